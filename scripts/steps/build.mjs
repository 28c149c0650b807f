import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { lastLines, runLogged } from './install.mjs';
import { StepError } from './report.mjs';

/** The programs of the repository: file name in dist, and where each begins. */
const PROGRAMS = {
  main: 'src/main.ts',
  worker: 'src/jobs/worker.ts',
  check: 'src/bot/check.ts',
  'api-key': 'src/api/make-key.ts',
  'rotate-data-key': 'src/api/rotate-data-key.ts',
  webhooks: 'src/api/manage-webhooks.ts',
  'audit-verify': 'src/api/check-audit.ts',
  retention: 'src/api/retire-books.ts',
  differences: 'src/api/show-differences.ts',
  sandbox: 'src/sandbox/main.ts',
  migrate: 'src/api/migrate.ts',
  env: 'src/lib/env.ts',
  signer: 'src/lib/signer.ts',
  seed: 'prisma/seed.ts',
};
const SANDBOX_CLIENT = 'src/sandbox/client';

const CONFIGURATION = ['package.json', 'package-lock.json', 'tsconfig.json'];
const isTest = (path) => /\.test\.tsx?$/.test(path);

/** Prisma's client from prisma/schema, when the schema or Prisma itself has changed. */
export async function generateClient({ logs }) {
  return buildWhenChanged({
    marker: 'src/lib/generated/prisma/.built-from',
    inputs: ['prisma/schema', 'package-lock.json'],
    build: async () => {
      rmSync('src/lib/generated/prisma', { recursive: true, force: true });
      const logFile = join(logs, 'generate.log');
      const { code, output } = await runLogged(process.execPath, ['node_modules/prisma/build/index.js', 'generate'], {
        logFile,
      });
      if (code !== 0)
        throw new StepError(`prisma generate failed:\n      ${lastLines(output, 12)}`, 'Correct prisma/schema.');
    },
  });
}

/** All programs and the sandbox's browser client into dist, when something has changed. */
export async function bundlePrograms() {
  return buildWhenChanged({
    marker: 'dist/.built-from',
    inputs: ['src', 'prisma', ...CONFIGURATION],
    build: async () => {
      const esbuild = await import('esbuild');
      copyClientPage();
      try {
        await Promise.all([esbuild.build(programOptions()), esbuild.build(clientOptions())]);
      } catch (error) {
        throw new StepError(error.message, 'Correct the file named above.');
      } finally {
        // Its helper process would stay with us, and its 70 MB.
        await esbuild.stop();
      }
    },
  });
}

/**
 * Builds on every change, for development.
 *
 * @param onChange called with the names in dist whose content has changed (`main`, `worker`, `sandbox`)
 * @param onError called with esbuild's words when a file cannot be built; the last good build stays
 * @returns a function that ends it
 */
export async function watchPrograms(onChange, onError) {
  const esbuild = await import('esbuild');
  const built = new Map();
  const announce = {
    name: 'announce',
    setup(build) {
      build.onEnd((result) => {
        if (result.errors.length > 0) return onError(result.errors.map(describe).join('\n'));
        const changed = Object.keys(PROGRAMS).filter((name) => {
          const hash = existsSync(`dist/${name}.js`) ? hashOf([`dist/${name}.js`]) : null;
          const before = built.get(name);
          built.set(name, hash);
          return before !== undefined && before !== hash;
        });
        if (changed.length > 0) onChange(changed);
      });
    },
  };
  copyClientPage();
  const contexts = await Promise.all([
    esbuild.context({ ...programOptions(), plugins: [announce], logLevel: 'silent' }),
    esbuild.context({ ...clientOptions(), minify: false }),
  ]);
  await Promise.all(contexts.map((context) => context.watch()));
  return () => Promise.all(contexts.map((context) => context.dispose()));
}

/** `next build`, when something it reads has changed. */
export async function buildWeb({ logs }) {
  return buildWhenChanged({
    marker: '.next/built-from',
    inputs: [
      'src',
      'public',
      'next.config.mjs',
      'tailwind.config.ts',
      'postcss.config.mjs',
      'prisma/schema',
      ...CONFIGURATION,
    ],
    isInput: (path) => !path.startsWith('src/sandbox/'),
    build: async () => {
      rmSync('.next/built-from', { force: true });
      const logFile = join(logs, 'next-build.log');
      const { code, output } = await runLogged(process.execPath, ['node_modules/next/dist/bin/next', 'build'], {
        logFile,
        env: { NODE_ENV: 'production' },
      });
      if (code !== 0) {
        throw new StepError(`next build failed:\n      ${lastLines(output, 25)}`, `The whole output is ${logFile}.`);
      }
    },
  });
}

function describe({ text, location }) {
  return location ? `${location.file}:${location.line}: ${text}` : text;
}

function programOptions() {
  const entryPoints = Object.entries(PROGRAMS)
    .filter(([name, path]) => name !== 'seed' || existsSync(path))
    .map(([out, path]) => ({ in: path, out }));
  return {
    entryPoints,
    outdir: 'dist',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    sourcemap: 'linked',
    logLevel: 'silent',
  };
}

function clientOptions() {
  return {
    entryPoints: [{ in: join(SANDBOX_CLIENT, 'main.tsx'), out: 'client' }],
    outdir: 'dist/sandbox',
    bundle: true,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    minify: true,
    sourcemap: 'linked',
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.svg': 'dataurl', '.png': 'file', '.webp': 'file', '.woff2': 'file' },
    logLevel: 'silent',
  };
}

function copyClientPage() {
  mkdirSync('dist/sandbox', { recursive: true });
  copyFileSync(join(SANDBOX_CLIENT, 'index.html'), 'dist/sandbox/index.html');
}

/** Builds unless the marker, which is written last, says it was built from the very same content. */
async function buildWhenChanged({ marker, inputs, isInput = () => true, build }) {
  const wanted = hashOf(inputs, isInput);
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return { note: 'unchanged' };
  await build();
  writeFileSync(marker, wanted);
  return undefined;
}

/** Hash of the paths and contents of all files below; what does not exist counts as absent. */
function hashOf(paths, isInput = () => true) {
  const hash = createHash('sha256').update(process.versions.node);
  for (const file of paths.flatMap(filesBelow)) {
    if (isTest(file) || !isInput(file) || file.startsWith('src/lib/generated/')) continue;
    hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(`${path}/${name}`));
}
