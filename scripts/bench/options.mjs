import { parseArgs } from 'node:util';
import { StepError } from '../steps/report.mjs';

/** Every flag with its default; `npm run bench -- --help` prints this. */
const FLAGS = {
  seconds: { type: 'string', default: '4', means: 'measured seconds of each cell' },
  'warm-up': { type: 'string', default: '3', means: 'seconds before them that do not count' },
  connections: { type: 'string', default: '1,16,64', means: 'connections, one cell each' },
  only: { type: 'string', default: '', means: 'some cells only, by the beginning of their names: settle,create' },
  programs: { type: 'string', default: '', means: 'some programs only: hoshi,bare,obvious,next' },
  repeats: { type: 'string', default: '1', means: 'more tries of a cell that others disturbed; the quietest counts' },
  wire: {
    type: 'boolean',
    default: false,
    means: 'what verifying and translating one message costs, and nothing else',
  },
  profile: { type: 'boolean', default: false, means: 'processor time of the web process by kind of work, settle only' },
  sealing: {
    type: 'boolean',
    default: false,
    means: 'what it costs to seal a record and to deliver it',
  },
  memory: { type: 'boolean', default: false, means: 'ten minutes of load, and the memory of web and worker' },
  minutes: { type: 'string', default: '10', means: 'length of --memory' },
  rows: { type: 'string', default: '0', means: 'plans of the hot queries over this many payments' },
  help: { type: 'boolean', default: false, means: 'this list' },
};

/** Reads the flags. Throws StepError for one that is unknown or not a number. */
export function readOptions(args) {
  const options = Object.fromEntries(
    Object.entries(FLAGS).map(([name, flag]) => [name, { type: flag.type, default: flag.default }]),
  );
  let values;
  try {
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    throw new StepError(error.message, 'npm run bench -- --help lists the flags.');
  }
  return {
    seconds: number(values, 'seconds'),
    warmUpSeconds: number(values, 'warm-up'),
    connections: values.connections.split(',').map(Number),
    only: list(values.only),
    programs: list(values.programs),
    repeats: number(values, 'repeats'),
    minutes: number(values, 'minutes'),
    rows: number(values, 'rows'),
    isWire: values.wire,
    isProfile: values.profile,
    isSealing: values.sealing,
    isMemory: values.memory,
    isHelp: values.help,
  };
}

export function helpText() {
  const lines = Object.entries(FLAGS).map(
    ([name, { default: value, means }]) => `  --${name.padEnd(14)} ${means}${value ? ` (${value})` : ''}`,
  );
  return `npm run bench -- [flags]\n\n${lines.join('\n')}\n`;
}

function number(values, name) {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < 0)
    throw new StepError(`--${name} must be a number`, 'npm run bench -- --help lists the flags.');
  return value;
}

function list(text) {
  return text === '' ? [] : text.split(',');
}
