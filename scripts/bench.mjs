// npm run bench: how fast Hoshi is, beside what it could be compared with, on this machine.
import { isNodeSupported } from './steps/node-version.mjs';

if (isNodeSupported()) {
  // Loaded only now: an older Node could not even read it.
  const { runBench } = await import('./bench/run.mjs');
  await runBench(process.argv.slice(2));
}
