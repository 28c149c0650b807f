import type { Ctx } from '#domain/context/context.ts';
import { type Clock, followClock, systemClock } from '#lib/clock.ts';
import { openDatabase } from '#lib/db.ts';
import { type Env, loadEnv } from '#lib/env.ts';
import { describeError, makeLogger } from '#lib/log.ts';
import { makeMetrics } from '#lib/metrics.ts';
import { makeProviders, type ProviderOptions } from '#providers/registry.ts';

/** Everything one process shares. `ctx` speaks for nobody until a door gives it an actor. */
export type Server = { env: Env; ctx: Ctx; close(): Promise<void> };

/** Joins environment, database, clock and providers. `name` is the process, as logs and pg_stat_activity show it. */
export async function makeServer(name: 'web' | 'worker', env: Env): Promise<Server> {
  const log = makeLogger({ name, level: env.logLevel });
  const metrics = makeMetrics();
  const database = openDatabase({
    url: env.databaseUrl,
    applicationName: `hoshi-${name}`,
    poolSize: env.databasePoolSize,
    onConnectionLost: (error) => log.warn({ error: describeError(error) }, 'database connection lost'),
  });
  const clock: Clock = env.sandbox ? await followClock(env.sandbox.clockUrl) : systemClock;
  const providers = makeProviders(providerOptions(env, { log, metrics, clock }));
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
      adminTelegramIds: env.adminTelegramIds,
    },
    dataKey: env.dataKey,
    sessionSecret: env.sessionSecret,
    telegram: {
      botToken: env.telegram.botToken,
      botId: env.telegram.botId,
      initDataPublicKey: env.telegram.initDataPublicKey,
    },
    providers,
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

/** The providers' options from the environment. The use of a secret that is being replaced is counted, a late one logged. */
function providerOptions(env: Env, { log, metrics, clock }: Pick<Ctx, 'log' | 'metrics' | 'clock'>): ProviderOptions {
  const heardBy = (provider: string) => (isOverdue: boolean) => {
    metrics.oldSecretUses.inc({ provider, overdue: String(isOverdue) });
    if (isOverdue)
      log.error({ provider }, 'a webhook came with the previous secret after its deadline and was refused');
  };
  const { telegram } = env;
  const { click, payme, stripe } = env.providers;
  return {
    telegram: {
      apiRoot: telegram.apiRoot,
      botToken: telegram.botToken,
      secrets: {
        current: telegram.webhookSecret,
        previous: telegram.previousWebhookSecret,
        onPrevious: heardBy('telegram-stars'),
      },
    },
    payme: payme && {
      ...payme,
      keys: {
        current: payme.key,
        previous: payme.previousKey && { key: payme.previousKey.secret, until: payme.previousKey.until },
        onPrevious: heardBy('payme'),
      },
    },
    click: click && {
      ...click,
      clock: () => clock.now(),
      secrets: { current: click.secretKey, previous: click.previousSecretKey, onPrevious: heardBy('click') },
    },
    stripe: stripe && {
      ...stripe,
      clock: () => clock.now(),
      secrets: {
        current: stripe.webhookSecret,
        previous: stripe.previousWebhookSecret,
        onPrevious: heardBy('stripe'),
      },
      onOtherVersion: hearOnce((version) =>
        log.warn(
          { provider: 'stripe', version },
          'webhooks come in another API version than the SDK’s: set the endpoint’s',
        ),
      ),
    },
  };
}

/** Hears each text once: what every message repeats is no news. */
function hearOnce(hear: (text: string) => void): (text: string) => void {
  const heard = new Set<string>();
  return (text) => {
    if (heard.has(text)) return;
    heard.add(text);
    hear(text);
  };
}

const SHARED = Symbol.for('hoshi.server');
type Shared = { [SHARED]?: Promise<Server> };

/**
 * The server of this process. Next bundles an own copy of this file, so the one server lives on `globalThis`: whoever
 * comes first makes it. Throws EnvError when the configuration is not usable.
 */
export function sharedServer(): Promise<Server> {
  const shared = globalThis as Shared;
  shared[SHARED] ??= makeServer('web', loadEnv());
  return shared[SHARED];
}
