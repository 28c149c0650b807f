// npm run screenshots: remakes docs/screenshots from a fresh sandbox of its own.
import { isNodeSupported } from './steps/node-version.mjs';

if (isNodeSupported()) {
  // Loaded only now: an older Node could not even read it.
  const { takeScreenshots } = await import('./steps/take-screenshots.mjs');
  await takeScreenshots();
}
