// npm test: every check of the repository, from a bare clone. `npm test -- --only static,unit,db,e2e,chaos` selects parts.
import { isNodeSupported } from './steps/node-version.mjs';

if (isNodeSupported()) {
  // Loaded only now: an older Node could not even read it.
  const { runTests } = await import('./steps/run-tests.mjs');
  await runTests(process.argv.slice(2));
}
