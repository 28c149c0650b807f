import { concealAll } from '#domain/context/conceal-references.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { ProviderSurroundings } from '#domain/provider/contract.ts';
import { type Clock, followClock, systemClock } from '#lib/clock.ts';
import { openDatabase } from '#lib/db.ts';
import { type Env, loadEnv } from '#lib/env.ts';
import { describeError, makeLogger } from '#lib/log.ts';
import { makeMetrics } from '#lib/metrics.ts';
import { loadSigner } from '#lib/signer.ts';
import { makeVault } from '#lib/vault.ts';
import { makeProviders, PROVIDERS } from '#providers/registry.ts';

/** Everything one process shares. `ctx` speaks for nobody until a door gives it an actor. */
export type Server = { env: Env; ctx: Ctx; close(): Promise<void> };

/** The configuration with that of every provider. Throws EnvError when it is not usable. */
export function loadWholeEnv(): Readonly<Env> {
  return loadEnv(PROVIDERS.map(({ variables }) => variables));
}

/**
 * Joins environment, database, clock and providers. `name` is the process, as logs and pg_stat_activity show it. Throws EnvError
 * when a signing key is none.
 */
export async function makeServer(name: 'web' | 'worker', env: Env): Promise<Server> {
  const signer = await loadSigner(env);
  const log = makeLogger({ name, level: env.logLevel });
  const metrics = makeMetrics();
  const database = openDatabase({
    url: env.databaseUrl,
    applicationName: `hoshi-${name}`,
    poolSize: env.databasePoolSize,
    onConnectionLost: (error) => log.warn({ error: describeError(error) }, 'database connection lost'),
  });
  const clock: Clock = env.sandbox ? await followClock(env.sandbox.clockUrl) : systemClock;
  const vault = makeVault(env);
  const providers = providersOf(env, { log, metrics, clock });
  const ctx: Ctx = {
    db: database.prisma,
    isInTransaction: false,
    pool: database.pool,
    clock,
    policy: {
      publicUrl: env.publicUrl,
      surfacePolicy: env.surfacePolicy,
      invoiceTtlMinutes: env.invoiceTtlMinutes,
      platformFeeBps: env.platformFeeBps,
      webhookBodyRetentionDays: env.webhookBodyRetentionDays,
      retentionYears: env.retentionYears,
      adminTelegramIds: env.adminTelegramIds,
    },
    vault,
    signer,
    sessionSecret: env.sessionSecret,
    telegram: {
      botToken: env.telegram.botToken,
      botId: env.telegram.botId,
      initDataPublicKey: env.telegram.initDataPublicKey,
    },
    providers: concealAll(providers, vault),
    log,
    metrics,
    actor: { kind: 'stranger' },
    requestId: 'none',
    outside: { ms: 0 },
  };
  return {
    env,
    ctx,
    async close() {
      clock.stop();
      await database.close();
    },
  };
}

/** The providers of the environment. The use of a secret that is being replaced is counted, a late one logged. */
function providersOf(env: Env, { clock, log, metrics }: Pick<Ctx, 'log' | 'metrics' | 'clock'>): Ctx['providers'] {
  const said = new Set<string>();
  const heardBy = (provider: string) => (isOverdue: boolean) => {
    metrics.oldSecretUses.inc({ provider, overdue: String(isOverdue) });
    if (isOverdue)
      log.error({ provider }, 'a webhook came with the previous secret after its deadline and was refused');
  };
  const surround = (provider: string): ProviderSurroundings => ({
    clock: () => clock.now(),
    onPreviousSecret: heardBy(provider),
    warn(text, about) {
      // What every message repeats is no news.
      const key = `${provider} ${text} ${about}`;
      if (said.has(key)) return;
      said.add(key);
      log.warn({ provider, about }, text);
    },
  });
  const { apiRoot, botToken, previousWebhookSecret: previous, webhookSecret: current } = env.telegram;
  const secrets = { current, previous, onPrevious: heardBy('telegram-stars') };
  return makeProviders({ telegram: { apiRoot, botToken, secrets }, source: env.providerVariables, surround });
}

const SHARED = Symbol.for('hoshi.server');
type Shared = { [SHARED]?: Promise<Server> };

/**
 * The server of this process. Next bundles an own copy of this file, so the one server lives on `globalThis`: whoever
 * comes first makes it. Throws EnvError when the configuration is not usable.
 */
export function sharedServer(): Promise<Server> {
  const shared = globalThis as Shared;
  shared[SHARED] ??= makeServer('web', loadWholeEnv());
  return shared[SHARED];
}
