import type { PrismaClient } from '#lib/generated/prisma/client.ts';

/** Ids of everything in the small catalogue. Prices are in Stars unless the name says otherwise. */
export const CATALOG = {
  line: 'prd_line',
  basic: 'pln_basic',
  pro: 'pln_pro',
  plugin: 'pln_plugin',
  basicMonth: 'prc_basic_month',
  basicYear: 'prc_basic_year',
  proMonth: 'prc_pro_month',
  proYear: 'prc_pro_year',
  proYearUsd: 'prc_pro_year_usd',
  proYearUzs: 'prc_pro_year_uzs',
  pluginOnce: 'prc_plugin_once',
  pluginUsd: 'prc_plugin_usd',
  pluginEur: 'prc_plugin_eur',
  pluginJpy: 'prc_plugin_jpy',
  pluginUzs: 'prc_plugin_uzs',
  pluginBtc: 'prc_plugin_btc',
  pluginEth: 'prc_plugin_eth',
} as const;

/** Amounts of the prices above, minor units. */
export const AMOUNTS = {
  [CATALOG.basicMonth]: 50,
  [CATALOG.basicYear]: 500,
  [CATALOG.proMonth]: 150,
  [CATALOG.proYear]: 1_500,
  [CATALOG.proYearUsd]: 2_999,
  [CATALOG.proYearUzs]: 36_000_000,
  [CATALOG.pluginOnce]: 101,
  [CATALOG.pluginUsd]: 999,
  [CATALOG.pluginEur]: 950,
  [CATALOG.pluginJpy]: 1_001,
  [CATALOG.pluginUzs]: 12_500_000,
  /** Satoshi. */
  [CATALOG.pluginBtc]: 10_001,
  /** Gwei. */
  [CATALOG.pluginEth]: 3_000_001,
} as const;

/** Who sells the plugin; gets 70 %. */
export const DEVELOPER = { id: 'usr_developer' };

const text = (name: string) => ({ name, description: `${name}.` });
const productTexts = (name: string) => ({ ja: text(`${name}（日本語）`), en: text(name) });
const planText = (name: string) => ({ ...text(name), features: ['One'], privacy: ['Two'] });
const planTexts = (name: string) => ({ ja: planText(`${name}（日本語）`), en: planText(name) });

/** Seeds one line with two plans by month and year, and a plugin of a developer who gets 70 %. */
export async function seedCatalog(prisma: PrismaClient): Promise<void> {
  await prisma.user.create({
    data: { id: DEVELOPER.id, role: 'developer', language: 'en' },
  });
  await prisma.product.createMany({
    data: [
      { id: CATALOG.line, code: 'line', kind: 'plan_line', position: 0, texts: productTexts('Line') },
      {
        id: 'prd_plugin',
        code: 'plugin',
        kind: 'plugin',
        position: 0,
        texts: productTexts('Plugin'),
        developerUserId: DEVELOPER.id,
        platformFeeBps: 3_000,
      },
    ],
  });
  await prisma.plan.createMany({
    data: [
      {
        id: CATALOG.basic,
        productId: CATALOG.line,
        code: 'basic',
        rank: 1,
        texts: planTexts('Basic'),
        limits: { topics: 3 },
      },
      {
        id: CATALOG.pro,
        productId: CATALOG.line,
        code: 'pro',
        rank: 2,
        texts: planTexts('Pro'),
        limits: { topics: 20 },
      },
      { id: CATALOG.plugin, productId: 'prd_plugin', code: 'plugin-license', rank: 1, texts: planTexts('Plugin') },
    ],
  });
  const price = (id: keyof typeof AMOUNTS, planId: string, interval: 'once' | 'month' | 'year', currency = 'XTR') => ({
    id,
    planId,
    interval,
    currency,
    amount: BigInt(AMOUNTS[id]),
  });
  await prisma.price.createMany({
    data: [
      price(CATALOG.basicMonth, CATALOG.basic, 'month'),
      price(CATALOG.basicYear, CATALOG.basic, 'year'),
      price(CATALOG.proMonth, CATALOG.pro, 'month'),
      price(CATALOG.proYear, CATALOG.pro, 'year'),
      price(CATALOG.proYearUsd, CATALOG.pro, 'year', 'USD'),
      price(CATALOG.proYearUzs, CATALOG.pro, 'year', 'UZS'),
      price(CATALOG.pluginOnce, CATALOG.plugin, 'once'),
      price(CATALOG.pluginUsd, CATALOG.plugin, 'once', 'USD'),
      price(CATALOG.pluginEur, CATALOG.plugin, 'once', 'EUR'),
      price(CATALOG.pluginJpy, CATALOG.plugin, 'once', 'JPY'),
      price(CATALOG.pluginUzs, CATALOG.plugin, 'once', 'UZS'),
      price(CATALOG.pluginBtc, CATALOG.plugin, 'once', 'BTC'),
      price(CATALOG.pluginEth, CATALOG.plugin, 'once', 'ETH'),
    ],
  });
}
