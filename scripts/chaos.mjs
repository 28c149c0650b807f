// npm run chaos: buyers pay while web, worker and Postgres are killed at random; afterwards the books must be whole.
import { isNodeSupported } from './steps/node-version.mjs';

if (isNodeSupported()) {
  // Loaded only now: an older Node could not even read it.
  const { runChaos } = await import('./chaos/run.mjs');
  await runChaos(process.argv.slice(2));
}
