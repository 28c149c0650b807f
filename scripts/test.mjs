// npm test: every check of the repository, from a bare clone. `npm test -- --only static,unit,db,e2e` selects parts.
import { isNodeSupported } from './steps/node-version.mjs';

if (isNodeSupported()) {
  import('./steps/run-tests.mjs').then((module) => module.runTests(process.argv.slice(2)));
}
