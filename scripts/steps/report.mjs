/**
 * What the commands say while they work: one line per step with its time, and for a step that fails its name, what
 * happened and what to do.
 */

/** A step failed for a reason we understand. */
export class StepError extends Error {
  /** @param remedy what the reader can do, as full sentences */
  constructor(message, remedy) {
    super(message);
    this.name = 'StepError';
    this.remedy = remedy;
  }
}

const isColoured = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
export const bold = paint('1');
export const dim = paint('2');
const green = paint('32');
const red = paint('31');
const yellow = paint('33');

const HEARTBEAT_MS = 15_000;

/** An indented line under the running step. */
export function tell(line) {
  clearLine();
  console.log(`    ${yellow('·')} ${line}`);
}

/**
 * Runs one step. A result of `{ note }` is shown behind the name.
 *
 * @throws what `work` throws, after the failure was reported
 */
export async function step(name, work) {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  if (process.stdout.isTTY) process.stdout.write(`  ${dim('…')} ${name}`);
  const heartbeat = setInterval(() => tell(dim(`${name}: still at it after ${seconds()}`)), HEARTBEAT_MS);
  try {
    const result = await work();
    clearLine();
    const note = result?.note ? ` ${dim(`(${result.note})`)}` : '';
    console.log(`  ${green('✓')} ${name}${note} ${dim(seconds())}`);
    return result;
  } catch (error) {
    clearLine();
    reportFailure(name, error);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}

let isStopping = false;

/** From now on failures are not worth a word: steps are being interrupted on purpose. */
export function stopReporting() {
  isStopping = true;
}

/** Says which step failed, why, and the remedy. Marks the error so that it is said once. */
export function reportFailure(name, error) {
  if (error.isReported || isStopping) return;
  error.isReported = true;
  const isKnown = error instanceof StepError || error.name === 'EnvError';
  console.error(`  ${red('✗')} ${bold(name)}: ${isKnown ? error.message : (error.stack ?? String(error))}`);
  if (error.remedy) console.error(`    ${error.remedy}`);
}

function clearLine() {
  if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
}

/** The first line of what a program that failed said, or of an error. */
export function firstLine(error) {
  const text = String(error.stderr || error.message).trim();
  return text.split('\n')[0];
}
