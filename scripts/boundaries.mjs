// node scripts/boundaries.mjs – writes biome.boundaries.json: who may import whom, as rules that Biome holds.
//
// The table below is the one in the README. Each file of src belongs to exactly one row; what a row does not name is
// refused. Test files, and what stands in a folder `testing` for them, may import anything. The test beside this file
// plants a violation of each row.
import { writeFileSync } from 'node:fs';

/** A concept imports only concepts before it. errors and money are single files, the others folders. */
const CONCEPTS = [
  'errors',
  'money',
  'provider',
  'context',
  'audit',
  'catalog',
  'ledger',
  'identity',
  'entitlement',
  'revenue',
  'payout',
  'billing-key',
  'billing-record',
  'personal-log',
  'account-link',
  'campaign',
  'checkout',
  'payment-method',
  'subscription',
  'usage',
  'payment',
  'reservation',
  'reconciliation',
  'webhook',
  'privacy',
];
const SINGLE_FILES = ['errors', 'money'];
/** Folders of which every file is as pure as rules: the contract of providers has no verb. */
const PURE = ['provider'];
/** Providers of the contract, each in a folder of its own. */
const PROVIDERS = ['telegram-stars', 'stripe', 'payme', 'click', 'crypto-pay', 'btcpay'];

const BY_ALIAS = ['#*', '#*/**'];
/** By our alias or by a path out of the own folder. */
const ALL_OF_OURS = [...BY_ALIAS, '../**'];
/** What tests share may import anything, and only tests import it. */
const TESTING = '**/testing/**';
/** Areas with folders inside, between which relative paths are fine as long as they stay in the area. */
const DEEPEST = 5;
const FRAMEWORKS = [
  'next',
  'next/**',
  '@trpc/**',
  'grammy',
  'grammy/**',
  'stripe',
  'hono',
  'hono/**',
  'react',
  'react-dom',
];

const isSingle = (concept) => SINGLE_FILES.includes(concept);
const conceptPath = (concept) => (isSingle(concept) ? `#domain/${concept}.ts` : `#domain/${concept}/**`);
const rulesPath = (concept) =>
  isSingle(concept) || PURE.includes(concept) ? conceptPath(concept) : `#domain/${concept}/rules.ts`;

/** One row per depth of an area: the deeper a file, the more `../` it takes to leave the area. */
function area(folder, { refuse = BY_ALIAS, ...row }) {
  return Array.from({ length: DEEPEST }, (_, above) => ({
    ...row,
    files: [`src/${folder}/${'*/'.repeat(above)}${above === DEEPEST - 1 ? '**' : '*'}`],
    refuse: [...refuse, `${'../'.repeat(above + 1)}**`],
  }));
}

/** Later rows win where two match a file. */
const ROWS = [
  ...area('app', {
    may: [
      '#app/**',
      '#ui/**',
      '#api/**',
      '#bot/**',
      '#server.ts',
      '#messages/**',
      '#domain/webhook/receive.ts',
      '#lib/metrics.ts',
    ],
    says: 'A route imports ui, api, bot, server, messages, domain/webhook/receive and lib/metrics: it holds no rule.',
  }),
  ...area('ui', {
    may: [
      '#ui/**',
      '#api/**',
      '#domain/*/rules.ts',
      '#domain/money.ts',
      '#domain/errors.ts',
      '#domain/provider/**',
      '#messages/**',
    ],
    says: 'The ui imports types of api, domain/*/rules, messages and ui.',
  }),
  ...['api', 'bot', 'jobs'].flatMap((door) =>
    area(door, {
      may: [
        `#${door}/**`,
        '#server.ts',
        '#domain/**',
        '#messages/**',
        '#lib/agent.ts',
        '#lib/crypto.ts',
        '#lib/csv.ts',
        '#lib/log.ts',
        '#lib/openpgp.ts',
        '#lib/pdf.ts',
        '#lib/zip.ts',
        '#lib/generated/**',
      ],
      says: 'A door imports server, domain, messages, lib/agent, crypto, csv, log, openpgp, pdf, zip, row types and its own folder; never another door.',
    }),
  ),
  {
    files: ['src/server.ts'],
    may: ['#domain/context/**', '#domain/provider/**', '#providers/registry.ts', '#lib/**', '#messages/**'],
    says: 'The server joins domain/context, the provider contract, providers/registry, messages and lib.',
  },
  {
    files: [
      'src/main.ts',
      'src/jobs/worker.ts',
      'src/bot/check.ts',
      'src/api/make-key.ts',
      'src/api/rotate-data-key.ts',
      'src/api/migrate.ts',
      'src/api/manage-webhooks.ts',
      'src/api/check-audit.ts',
      'src/api/retire-books.ts',
      'src/api/show-differences.ts',
    ],
    may: [
      '#server.ts',
      '#api/**',
      '#bot/**',
      '#jobs/**',
      '#lib/**',
      '#domain/context/**',
      '#domain/audit/heads.ts',
      '#domain/audit/verify.ts',
      '#domain/identity/api-key.ts',
      '#domain/identity/move-accounts.ts',
      '#domain/privacy/conceal-past.ts',
      '#domain/privacy/rotate-data-key.ts',
      '#domain/privacy/retention.ts',
      '#domain/reconciliation/list-differences.ts',
      '#domain/webhook/list.ts',
      '#domain/webhook/replay.ts',
      '#domain/errors.ts',
    ],
    says: 'A process imports server, its doors, lib and the verbs of its command.',
  },
  {
    files: ['src/proxy.ts'],
    may: ['#ui/**', '#lib/env.ts', '#messages/**', '#providers/registry.ts'],
    says: 'What stands before every page imports ui, messages, lib/env and the list of providers.',
  },
  {
    files: ['src/messages/**'],
    refuse: ['**'],
    may: ['use-intl/core', './**', '#messages/**'],
    says: 'Texts import nothing but use-intl/core.',
  },
  {
    files: ['src/providers/registry.ts'],
    may: ['#providers/*/settings.ts', '#providers/telegram-stars/**', '#domain/provider/**', '#lib/env-group.ts'],
    says: 'The registry imports the settings of each provider and the contract.',
  },
  ...PROVIDERS.map((provider) => ({
    files: [`src/providers/${provider}/**`],
    refuse: [...ALL_OF_OURS, 'pg', '@prisma/**'],
    may: [
      `#providers/${provider}/**`,
      '#domain/provider/**',
      '#domain/money.ts',
      '#domain/errors.ts',
      '#lib/http.ts',
      '#lib/crypto.ts',
      '#lib/env-group.ts',
    ],
    says: 'A provider imports the contract, money, errors, lib/http, lib/crypto and lib/env-group; never another provider or the database.',
  })),
  ...CONCEPTS.flatMap((concept, at) => conceptRows(concept, CONCEPTS.slice(0, at))),
  ...area('lib', {
    may: ['#lib/**'],
    says: 'lib has no business word in it: it imports npm and lib only.',
  }),
  ...area('sandbox', {
    may: [],
    says: 'The sandbox is an independent witness of the wire: it imports npm and itself only.',
  }),
];

function conceptRows(concept, before) {
  const own = isSingle(concept) ? [] : [`#domain/${concept}/**`];
  const verb = {
    files: isSingle(concept) ? [`src/domain/${concept}.ts`] : [`src/domain/${concept}/**`],
    refuse: [...ALL_OF_OURS, ...FRAMEWORKS],
    may: [...before.map(conceptPath), ...own, '#lib/**'],
    says: `domain/${concept} imports concepts before it and lib; never a framework.`,
  };
  if (isSingle(concept)) return [verb];
  return [
    verb,
    {
      files: [`src/domain/${concept}/rules.ts`],
      refuse: ['**'],
      may: [...before.map(rulesPath), 'zod'],
      says: 'Rules are pure: they import the rules of concepts before them, errors, money, the provider contract and zod.',
    },
  ];
}

/** Rows as Biome's overrides. */
export function boundaryOverrides() {
  return ROWS.map(({ files, refuse = ALL_OF_OURS, may, says }) => ({
    includes: [...files, '!**/*.test.ts', '!**/*.test.tsx', '!**/testing/**', '!src/lib/generated/**'],
    linter: {
      rules: {
        style: {
          noRestrictedImports: {
            level: 'error',
            options: { patterns: [{ group: [...refuse, ...may.map((path) => `!${path}`), TESTING], message: says }] },
          },
        },
      },
    },
  }));
}

export const FILE = 'biome.boundaries.json';

/** The whole text of the file. */
export function boundariesFile() {
  return `${JSON.stringify({ $schema: './node_modules/@biomejs/biome/configuration_schema.json', overrides: boundaryOverrides() }, null, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) writeFileSync(FILE, boundariesFile());
