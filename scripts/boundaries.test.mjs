import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boundariesFile, boundaryOverrides, FILE } from './boundaries.mjs';

/**
 * Each row of the table with imports it allows and imports it refuses, written down by hand so that it does not repeat a
 * mistake of the generator. They are planted into a folder of their own and Biome, with the repository's configuration,
 * must refuse exactly the second list.
 */
const ROWS = {
  'src/app/(mini)/planted.tsx': {
    allowed: [
      'react',
      'next/link',
      '#ui/theme.ts',
      '#api/context.ts',
      '#bot/bot.ts',
      '#server.ts',
      '#domain/webhook/receive.ts',
      '#lib/metrics.ts',
      '#messages/ja.ts',
      './page.tsx',
    ],
    refused: [
      '#domain/payment/settle.ts',
      '#domain/reconciliation/apply.ts',
      '#domain/money.ts',
      '#lib/db.ts',
      '#providers/registry.ts',
      '#jobs/table.ts',
      '#sandbox/control.ts',
      '../../domain/money.ts',
      '../../../lib/db.ts',
    ],
  },
  'src/ui/components/planted.tsx': {
    allowed: [
      'react',
      '#ui/theme.ts',
      '#domain/checkout/rules.ts',
      '#domain/money.ts',
      '#domain/errors.ts',
      '#messages/en.ts',
      './button.tsx',
    ],
    refused: [
      '#domain/checkout/start.ts',
      '#lib/db.ts',
      '#server.ts',
      '#bot/bot.ts',
      '#app/page.tsx',
      '#providers/registry.ts',
      '#sandbox/control.ts',
      '#api/views.ts',
      '../../api/views.ts',
    ],
  },
  'src/api/planted.ts': {
    allowed: [
      'hono',
      '@trpc/server',
      '#server.ts',
      '#domain/payment/settle.ts',
      '#domain/errors.ts',
      '#messages/en.ts',
      '#lib/log.ts',
      '#api/views.ts',
      './views.ts',
    ],
    refused: [
      '#lib/db.ts',
      '#bot/bot.ts',
      '#jobs/table.ts',
      '#ui/theme.ts',
      '#app/page.tsx',
      '#providers/registry.ts',
      '#sandbox/control.ts',
      '../lib/db.ts',
    ],
  },
  'src/bot/features/planted.ts': {
    allowed: ['grammy', '#server.ts', '#domain/checkout/start.ts', '#messages/ja.ts', '#bot/context.ts'],
    refused: [
      '#lib/db.ts',
      '#api/views.ts',
      '#jobs/table.ts',
      '#ui/theme.ts',
      '#app/page.tsx',
      '#providers/registry.ts',
      '#sandbox/control.ts',
      '../../lib/db.ts',
    ],
  },
  'src/jobs/planted.ts': {
    allowed: ['#server.ts', '#domain/reconciliation/reconcile.ts', '#messages/ja.ts', './table.ts'],
    refused: [
      '#lib/db.ts',
      '#api/views.ts',
      '#bot/bot.ts',
      '#ui/theme.ts',
      '#app/page.tsx',
      '#providers/telegram-stars/client.ts',
      '#sandbox/control.ts',
    ],
  },
  'src/server.ts': {
    allowed: ['#domain/context/context.ts', '#providers/registry.ts', '#lib/env.ts', '#messages/en.ts'],
    refused: [
      '#domain/payment/settle.ts',
      '#providers/telegram-stars/client.ts',
      '#api/views.ts',
      '#bot/bot.ts',
      '#jobs/table.ts',
      '#ui/theme.ts',
      '#sandbox/control.ts',
    ],
  },
  'src/main.ts': {
    allowed: ['next', '#server.ts', '#api/rest.ts', '#bot/bot.ts', '#lib/env.ts'],
    refused: [
      '#domain/payment/settle.ts',
      '#providers/registry.ts',
      '#ui/theme.ts',
      '#app/page.tsx',
      '#sandbox/control.ts',
    ],
  },
  'src/jobs/worker.ts': {
    allowed: ['#server.ts', '#jobs/table.ts', './engine.ts', '#lib/env.ts'],
    refused: ['#domain/payment/settle.ts', '#providers/registry.ts', '#ui/theme.ts', '#sandbox/control.ts'],
  },
  'src/proxy.ts': {
    allowed: ['next/server', '#ui/routes.ts', '#lib/env.ts', '#messages/ja.ts', '#providers/registry.ts'],
    refused: ['#lib/db.ts', '#server.ts', '#domain/money.ts', '#api/views.ts', '#sandbox/control.ts'],
  },
  'src/messages/planted.ts': {
    allowed: ['use-intl/core', './ja.ts', './ja/app.json', '#messages/translate.ts'],
    refused: ['react', '#domain/money.ts', '#lib/env.ts', '#ui/theme.ts', '#sandbox/control.ts', '../lib/env.ts'],
  },
  'src/providers/registry.ts': {
    allowed: [
      '#providers/telegram-stars/adapter.ts',
      '#providers/telegram-stars/client.ts',
      './stripe/settings.ts',
      '#domain/provider/contract.ts',
      '#lib/env-group.ts',
    ],
    refused: [
      '#providers/stripe/client.ts',
      '#lib/db.ts',
      '#domain/payment/settle.ts',
      '#server.ts',
      '#sandbox/control.ts',
    ],
  },
  'src/providers/stripe/planted.ts': {
    allowed: [
      'stripe',
      'zod',
      './wire.ts',
      '#domain/provider/contract.ts',
      '#domain/money.ts',
      '#domain/errors.ts',
      '#lib/http.ts',
      '#lib/crypto.ts',
      '#lib/env-group.ts',
    ],
    refused: [
      '#providers/payme/wire.ts',
      '../payme/wire.ts',
      '#providers/registry.ts',
      '#lib/db.ts',
      '#lib/generated/prisma/client.ts',
      'pg',
      '@prisma/client',
      '#domain/payment/settle.ts',
      '#server.ts',
      '#sandbox/control.ts',
    ],
  },
  'src/domain/errors.ts': {
    allowed: ['#lib/crypto.ts', 'zod'],
    refused: ['#domain/money.ts', '#domain/payment/rules.ts', '#server.ts', '#sandbox/control.ts'],
  },
  'src/domain/provider/planted.ts': {
    allowed: ['#domain/errors.ts', '#domain/money.ts', 'zod'],
    refused: [
      '#domain/catalog/rules.ts',
      '#domain/context/context.ts',
      '#domain/payment/rules.ts',
      '#providers/registry.ts',
      'grammy',
    ],
  },
  'src/domain/checkout/rules.ts': {
    allowed: [
      'zod',
      '#domain/errors.ts',
      '#domain/money.ts',
      '#domain/provider/contract.ts',
      '#domain/catalog/rules.ts',
      '#domain/entitlement/rules.ts',
    ],
    refused: [
      '#domain/payment/rules.ts',
      '#domain/catalog/list-catalog.ts',
      '#domain/context/context.ts',
      '#lib/clock.ts',
      'node:crypto',
      'pg',
      './start.ts',
      '../payment/rules.ts',
      '#sandbox/control.ts',
    ],
  },
  'src/domain/checkout/planted.ts': {
    allowed: [
      'zod',
      './rules.ts',
      '#domain/checkout/rules.ts',
      '#domain/context/context.ts',
      '#domain/entitlement/check.ts',
      '#lib/generated/prisma/client.ts',
    ],
    refused: [
      '#domain/payment/settle.ts',
      '#domain/subscription/rules.ts',
      '../payment/settle.ts',
      'next',
      'next/headers',
      '@trpc/server',
      'grammy',
      'grammy/types',
      'stripe',
      'react',
      '#api/views.ts',
      '#bot/bot.ts',
      '#jobs/table.ts',
      '#ui/theme.ts',
      '#server.ts',
      '#providers/registry.ts',
      '#sandbox/control.ts',
    ],
  },
  'src/domain/webhook/planted.ts': {
    allowed: ['#domain/payment/settle.ts', '#domain/subscription/apply-event.ts', '#lib/crypto.ts'],
    refused: ['#jobs/table.ts', '#server.ts', '#providers/registry.ts', '#messages/en.ts'],
  },
  'src/lib/planted.ts': {
    allowed: ['pg', 'node:fs', '#lib/env.ts', './env.ts'],
    refused: [
      '#lib/testing/database.ts',
      './testing/database.ts',
      '#domain/money.ts',
      '#server.ts',
      '#messages/en.ts',
      '#sandbox/control.ts',
      '../domain/money.ts',
    ],
  },
  'src/sandbox/planted.ts': {
    allowed: ['node:http', './control.ts', './telegram/wire.ts'],
    refused: ['#lib/env.ts', '#domain/money.ts', '#sandbox/control.ts', '../lib/env.ts'],
  },
  'src/sandbox/telegram/planted.ts': {
    allowed: ['node:http', '../control.ts', './wire.ts'],
    refused: ['#lib/env.ts', '../../lib/env.ts', '../../domain/money.ts'],
  },
};

const imports = (specifiers) =>
  specifiers.map((specifier, index) => `export { a${index} } from '${specifier}';\n`).join('');

/** Other rules the repository leans on, each with a violation. */
const PLANTED_ELSEWHERE = {
  'src/lib/cycle-one.ts': "import { two } from '#lib/cycle-two.ts';\nexport const one = (): number => two();\n",
  'src/lib/cycle-two.ts': "import { one } from './cycle-one.ts';\nexport const two = (): number => one();\n",
  'src/lib/floating.ts': 'async function work(): Promise<void> {}\nexport function start(): void {\n  work();\n}\n',
  'src/ui/popup.ts':
    "alert('a');\nwindow.confirm('b');\nwindow.open('c');\nnavigator.clipboard.writeText('d').catch(String);\n",
  'src/ui/api-types.ts': "import type { View } from '#api/views.ts';\nexport type Own = View;\n",
  'src/checkout.test.ts': imports(['#domain/payment/settle.ts', '#sandbox/control.ts', '#lib/db.ts']),
  'src/api/testing/world.ts': imports(['#domain/payment/settle.ts', '#lib/db.ts', '#sandbox/control.ts']),
  'src/domain/checkout/planted.test.ts': imports([
    '#domain/payment/settle.ts',
    '#sandbox/control.ts',
    '#providers/registry.ts',
  ]),
};

let folder;
/** `file:line` of everything refused, with the rule. */
let refused;

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hoshi-boundaries-')));
  for (const file of ['biome.json', FILE, 'package.json', '.gitignore', 'scripts/ui-imports-types-of-api.grit'])
    plant(file, readFileSync(file));
  execFileSync('git', ['init', '--quiet'], { cwd: folder });
  for (const [file, { allowed, refused: expected }] of Object.entries(ROWS))
    plant(file, imports([...allowed, ...expected]));
  for (const [file, content] of Object.entries(PLANTED_ELSEWHERE)) plant(file, content);
  refused = lint();
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plant(file, content) {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), content);
}

function lint() {
  const biome = join(process.cwd(), 'node_modules/@biomejs/biome/bin/biome');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [biome, 'lint', '--reporter=github', '--max-diagnostics=none', '.'],
    {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 20_000_000,
    },
  );
  const found = [...stdout.matchAll(/::error title=([^,]+),file=([^,]+),line=(\d+)/g)];
  if (found.length === 0) throw new Error(`Biome found nothing: ${stdout.slice(0, 2_000)}${stderr.slice(0, 2_000)}`);
  return found.map(([, rule, file, line]) => ({ rule, place: `${file.replace(`${folder}/`, '')}:${line}` }));
}

const placesOf = (rules) => new Set(refused.filter(({ rule }) => rules.test(rule)).map(({ place }) => place));

describe('who may import whom', () => {
  it(`is written to ${FILE} as the table says`, () => {
    expect(readFileSync(FILE, 'utf8')).toBe(boundariesFile());
  });

  it.each(Object.entries(ROWS))('%s', (file, { allowed, refused: expected }) => {
    const places = placesOf(/noRestrictedImports|plugin/);
    const verdicts = [...allowed, ...expected].map((specifier, index) => [
      specifier,
      places.has(`${file}:${index + 1}`),
    ]);
    expect(verdicts.filter(([, isRefused]) => isRefused).map(([specifier]) => specifier)).toEqual(expected);
  });

  it('has a row for every file of src', () => {
    const beginnings = boundaryOverrides().map(({ includes }) => includes[0].split('*')[0]);
    const files = execFileSync('git', ['ls-files', 'src'], { encoding: 'utf8' }).trim().split('\n');
    const code = files.filter((file) => /\.tsx?$/.test(file) && !/\.test\.|\/testing\//.test(file));
    expect(code.filter((file) => !beginnings.some((beginning) => file.startsWith(beginning)))).toEqual([]);
  });

  it('lets tests import anything', () => {
    expect([...placesOf(/noRestrictedImports/)].filter((place) => /\.test\.|\/testing\//.test(place))).toEqual([]);
  });

  it('lets the ui have the types of api', () => {
    expect([...placesOf(/./)].filter((place) => place.startsWith('src/ui/api-types.ts'))).toEqual([]);
  });
});

describe('what else is refused', () => {
  it.each([
    ['a circle of imports', /noImportCycles/, ['src/lib/cycle-one.ts:1', 'src/lib/cycle-two.ts:1']],
    ['a promise nobody waits for', /noFloatingPromises/, ['src/lib/floating.ts:3']],
    [
      'dialogs, windows and the clipboard that Telegram’s web view does not have',
      /noAlert|noJsRestrictedProperties/,
      ['src/ui/popup.ts:1', 'src/ui/popup.ts:2', 'src/ui/popup.ts:3', 'src/ui/popup.ts:4'],
    ],
  ])('%s', (_name, rule, places) => {
    expect([...placesOf(rule)]).toEqual(expect.arrayContaining(places));
  });
});
