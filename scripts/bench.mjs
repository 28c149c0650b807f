// npm run bench: how fast Hoshi is, beside what it could be compared with, on this machine.
import { isNodeSupported } from './steps/node-version.mjs';

if (isNodeSupported()) {
  void import('./bench/run.mjs').then((module) => module.runBench(process.argv.slice(2)));
}
