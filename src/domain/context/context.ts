import type { Pool } from 'pg';
import type { Provider } from '#domain/provider/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { Prisma, PrismaClient } from '#lib/generated/prisma/client.ts';
import { makeId } from '#lib/id.ts';
import type { Logger } from '#lib/log.ts';
import type { Metrics } from '#lib/metrics.ts';
import type { Signer } from '#lib/openpgp.ts';
import type { Vault } from '#lib/vault.ts';

/** The closed list of id prefixes. */
export const ID_PREFIXES = [
  'usr',
  'key',
  'prd',
  'pln',
  'prc',
  'inv',
  'att',
  'rsv',
  'pay',
  'ref',
  'sub',
  'ent',
  'whe',
  'dif',
  'dsp',
  'pmt',
  'bky',
  'rec',
  'exp',
  'era',
  'car',
  'req',
] as const;
export type IdPrefix = (typeof ID_PREFIXES)[number];

export type Role = 'user' | 'developer' | 'support' | 'admin';

/** What a server's API key may do. */
export const SCOPES = [
  'payments:write',
  'payments:read',
  'refunds:write',
  'subscriptions:write',
  'subscriptions:read',
  'entitlements:read',
  'revenue:read',
  'webhooks:replay',
  'audit:read',
] as const;
export type Scope = (typeof SCOPES)[number];

/** On whose behalf something is done. */
export type Actor =
  | Readonly<{ kind: 'user'; userId: string; role: Role }>
  | Readonly<{ kind: 'api_key'; keyId: string; scopes: ReadonlyArray<Scope> }>
  | Readonly<{ kind: 'provider'; providerId: string }>
  | Readonly<{ kind: 'system'; name: string }>
  | Readonly<{ kind: 'stranger' }>;

/** The operator's choices that rules ask for. */
export type Policy = Readonly<{
  /** Where browsers reach us, without a trailing slash. */
  publicUrl: string;
  surfacePolicy: 'strict' | 'permissive';
  invoiceTtlMinutes: number;
  platformFeeBps: number;
  webhookBodyRetentionDays: number;
  /** For how many years the books are kept. */
  retentionYears: number;
  adminTelegramIds: ReadonlyArray<bigint>;
}>;

/** The database as a verb may use it: the client, or the transaction it stands in. */
export type Database = PrismaClient | Prisma.TransactionClient;

/** All a verb needs of the world. `server.ts` makes the one of the process; `asActor` makes the one of a request. */
export type Ctx = Readonly<{
  db: Database;
  /** True while `db` is a transaction: see inTransaction. */
  isInTransaction: boolean;
  /** The same pool, for prepared statements on the hot path. Never inside a transaction of `db`. */
  pool: Pool;
  clock: Clock;
  policy: Policy;
  /** For what the server must be able to read again, and for naming people without saying who they are. */
  vault: Vault;
  /** Signs billing records and the heads of the audit; knows the keys that did before it. */
  signer: Signer;
  sessionSecret: string;
  /** For verifying Mini App launches. */
  telegram: Readonly<{ botToken: string; botId: number; initDataPublicKey: string }>;
  providers: ReadonlyMap<string, Provider>;
  log: Logger;
  metrics: Metrics;
  actor: Actor;
  requestId: string;
  /** Milliseconds this request has waited for others' servers; counted up as it goes. */
  outside: { ms: number };
}>;

/** The same world for one request or job. */
export function asActor(ctx: Ctx, actor: Actor, requestId: string = newId(ctx, 'req')): Ctx {
  if (requestId === ctx.requestId) return { ...ctx, actor };
  const own = { ...ctx, actor, requestId, outside: { ms: 0 } };
  // Most requests never log through it, and a child logger costs as much as the rest of this function ten times.
  let log: Logger | undefined;
  Object.defineProperty(own, 'log', {
    enumerable: true,
    get: () => {
      log ??= ctx.log.child({ requestId });
      return log;
    },
  });
  return own;
}

/** A new id of the closed list, ordered by the clock of `ctx`. */
export function newId(ctx: Pick<Ctx, 'clock'>, prefix: IdPrefix): string {
  return makeId(prefix, ctx.clock.now().getTime());
}

/** How an actor is named in audit rows: an id, never a person's data. */
export function actorRef(actor: Actor): string {
  switch (actor.kind) {
    case 'user':
      return actor.userId;
    case 'api_key':
      return actor.keyId;
    case 'provider':
      return `provider:${actor.providerId}`;
    case 'system':
      return `system:${actor.name}`;
    case 'stranger':
      return 'stranger';
  }
}
