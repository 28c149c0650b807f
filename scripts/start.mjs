// npm start, npm run dev: everything from a bare clone to a running Hoshi. Needs Node and npm, nothing installed.
import { isNodeSupported } from './steps/node-version.mjs';

if (isNodeSupported()) {
  // Loaded only now: an older Node could not even read it.
  const { runHoshi } = await import('./steps/run-hoshi.mjs');
  await runHoshi({ isDevelopment: process.argv.includes('--dev') });
}
