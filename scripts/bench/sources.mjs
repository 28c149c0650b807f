import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, stop } from 'esbuild';

/**
 * Imports parts of src/ into this process. `contents` is what a file there would say: `export { x } from '#domain/…'`. It
 * lies in dist as `<name>.mjs`, from where packages are found.
 */
export async function importSources(name, contents) {
  const outfile = join(process.cwd(), 'dist', `${name}.mjs`);
  try {
    await build({
      stdin: { contents, resolveDir: process.cwd(), loader: 'ts' },
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'silent',
    });
  } finally {
    // Its helper process would stay beside what is measured.
    await stop();
  }
  return import(pathToFileURL(outfile).href);
}
