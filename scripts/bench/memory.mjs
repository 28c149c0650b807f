import { setTimeout as sleep } from 'node:timers/promises';
import { ROWS, runCell } from './cells.mjs';
import { residentMb } from './measure.mjs';

const LIMITS_MB = { web: 350, worker: 200 };
const SAMPLE_MS = 5_000;
/** MB per minute over the second half: less is the noise of a collector that has not run. */
const SLOPE_LIMIT = 3;

/** Keeps web and worker busy with every kind of cell in turn and watches their memory. Returns false when it grows. */
export async function measureMemory(all, client, { minutes, connections }) {
  const samples = [];
  const startedAt = performance.now();
  const elapsed = () => (performance.now() - startedAt) / 60_000;
  let isOn = true;
  const sampling = (async () => {
    while (isOn) {
      samples.push({ minute: elapsed(), web: residentMb(all.web.pid), worker: residentMb(all.worker.pid) });
      await sleep(SAMPLE_MS);
    }
  })();
  const rows = ROWS.filter(({ program }) => program === 'hoshi');
  let events = 0;
  for (let cell = 1; elapsed() < minutes; cell += 1) {
    const row = rows[cell % rows.length];
    const result = await runCell(all, client, row, { cell, connections, seconds: 10, warmUpSeconds: 0.1 });
    events += Math.round((result.perSecond * result.elapsedMs) / 1000);
    for (const fault of result.faults) console.log(`    ! ${fault}`);
  }
  isOn = false;
  await sampling;
  console.log(`\n  Memory over ${elapsed().toFixed(1)} minutes, ${events.toLocaleString('en')} events`);
  return ['web', 'worker'].map((name) => printOne(name, samples)).every(Boolean);
}

function printOne(name, samples) {
  const values = samples.filter((sample) => sample[name] !== null);
  const largest = Math.max(...values.map((sample) => sample[name]));
  const half = values.slice(Math.floor(values.length / 2));
  const slope = slopeOf(half.map(({ minute, [name]: mb }) => [minute, mb]));
  const isMet = largest < LIMITS_MB[name] && slope < SLOPE_LIMIT;
  const course = values
    .filter((_, index) => index % Math.ceil(values.length / 10) === 0)
    .map((sample) => Math.round(sample[name]));
  console.log(
    `  ${isMet ? '✓' : '✗'} ${name}: at most ${largest.toFixed(0)} MB (goal < ${LIMITS_MB[name]}), ${slope.toFixed(1)} MB per minute over the second half; ${course.join(' ')}`,
  );
  return isMet;
}

/** Least squares. */
function slopeOf(points) {
  const mean = (index) => points.reduce((sum, point) => sum + point[index], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  return spread === 0 ? 0 : points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread;
}
