import { type Ctx, SCOPES } from '#domain/context/context.ts';
import { registerApiKey } from '#domain/identity/api-key.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { loadWholeEnv, makeServer } from '../src/server.ts';
import { PRODUCTS, SANDBOX_PLUGINS, type SeedPlan, type SeedProduct } from './catalog.ts';

/** The sandbox user who sells the plugins: Alex. */
const SANDBOX_DEVELOPER = 7_000_000_102n;

/** Fills the catalogue, and in the sandbox the marketplace and the documented API key. Safe to run at every start. */
async function seed(): Promise<void> {
  const env = loadWholeEnv();
  const server = await makeServer('worker', env);
  try {
    for (const [position, product] of PRODUCTS.entries()) await seedProduct(server.ctx, product, position, null);
    if (env.sandbox) await seedSandbox(server.ctx, env.sandbox.apiKey);
  } finally {
    await server.close();
  }
}

async function seedSandbox(ctx: Ctx, apiKey: string): Promise<void> {
  const developer = await ensureUser(ctx, { telegramId: SANDBOX_DEVELOPER, languageCode: 'en' });
  if (developer.role === 'user') await ctx.db.user.update({ where: { id: developer.id }, data: { role: 'developer' } });
  for (const [position, plugin] of SANDBOX_PLUGINS.entries()) await seedProduct(ctx, plugin, position, developer.id);
  await registerApiKey(ctx, { name: 'sandbox', secret: apiKey, scopes: SCOPES });
}

async function seedProduct(
  ctx: Ctx,
  product: SeedProduct,
  position: number,
  developerUserId: string | null,
): Promise<void> {
  const { code, kind } = product;
  const id = `prd_${code.replaceAll('-', '_')}`;
  const texts = { ja: product.ja, en: product.en };
  await ctx.db.product.upsert({
    where: { id },
    create: { id, code, kind, position, texts, developerUserId },
    update: { texts, position },
  });
  for (const plan of product.plans) await seedPlan(ctx, id, plan);
}

async function seedPlan(ctx: Ctx, productId: string, plan: SeedPlan): Promise<void> {
  const key = plan.code.replaceAll('-', '_');
  const id = `pln_${key}`;
  const texts = { ja: plan.ja, en: plan.en };
  const { code, limits, rank } = plan;
  await ctx.db.plan.upsert({
    where: { id },
    create: { id, productId, code, rank, texts, limits },
    update: { texts, limits, rank },
  });
  const rows = plan.prices.map(({ amount, currency, interval }) => ({
    id: `prc_${key}_${interval}_${currency.toLowerCase()}`,
    planId: id,
    currency,
    interval,
    amount,
  }));
  await ctx.db.price.createMany({ data: rows, skipDuplicates: true });
}

await seed();
