import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { sha256 } from '#lib/crypto.ts';
import { malformedRequest } from './errors.ts';

/** How long one request may hold its key. A process that was killed loses it after this. */
export const LOCK_SECONDS = 60;
/** How long an answer is remembered; afterwards the key is as new. */
export const KEPT_HOURS = 24;
const RETRY_SECONDS = 1;
const KEY = /^[\x21-\x7e]{1,255}$/;
/** Begins the mark of a key, and no key: those hold no space. */
const MARK = 'hmac ';

/** One use of a key: who, the mark of which key, and of what exactly was asked. */
export type KeyedRequest = Readonly<{ scope: string; key: string; requestHash: Buffer }>;

/** Either this request does the work (`owner`), or its answer is known already. */
export type Claim = Readonly<{ kind: 'owner'; lockedUntil: Date } | { kind: 'known'; status: number; body: string }>;

/**
 * The use of an `Idempotency-Key` (visible ASCII, at most 255) by one caller for one method, path and body. Both are kept as
 * keyed hashes: callers may name an order or a person in their key, and of a plain hash a short body could be guessed.
 */
export function keyedRequest(
  { vault }: Pick<Ctx, 'vault'>,
  scope: string,
  key: string,
  request: { method: string; url: string; body: Uint8Array },
): KeyedRequest {
  if (!KEY.test(key)) throw malformedRequest({ fields: 'Idempotency-Key' });
  const { pathname, search } = new URL(request.url);
  const asked = sha256(Buffer.concat([Buffer.from(`${request.method} ${pathname}${search}\n`), request.body]));
  const requestHash = Buffer.from(vault.markOf(`idempotency:${asked.toString('hex')}`));
  return { scope, key: markOf(vault, key), requestHash };
}

function markOf(vault: Ctx['vault'], key: string): string {
  return MARK + Buffer.from(vault.markOf(`idempotency key:${key}`)).toString('base64url');
}

const BATCH = 500;

/**
 * Marks the keys that stand in plaintext from before, so that a request repeated over an update is still known: a stored card would
 * else be charged again. For the migration step, before anything is served; several starters may do so at once. Returns how many.
 */
export async function markPlainKeys({ db, vault }: Pick<Ctx, 'db' | 'vault'>): Promise<number> {
  let marked = 0;
  let after = { scope: '', key: '' };
  for (;;) {
    const rows = await db.$queryRaw<Array<{ scope: string; key: string }>>`
      SELECT scope, key FROM idempotency_key WHERE (scope, key) > (${after.scope}, ${after.key}) AND key NOT LIKE ${`${MARK}%`}
      ORDER BY scope, key LIMIT ${BATCH}`;
    const keys = rows.map(({ key }) => key);
    marked += await db.$executeRaw`
      UPDATE idempotency_key k SET key = known.mark
      FROM unnest(${rows.map(({ scope }) => scope)}::text[], ${keys}::text[], ${keys.map((key) => markOf(vault, key))}::text[])
        AS known(scope, key, mark) WHERE k.scope = known.scope AND k.key = known.key`;
    const last = rows.at(-1);
    if (last === undefined || rows.length < BATCH) return marked;
    after = last;
  }
}

// Its commit is not waited for on disk: if Postgres crashes before the next commit, the request has not been answered.
// One statement decides the race: a new key, a forgotten one, or one whose holder was killed is taken by exactly one.
const CLAIM = {
  name: 'claim_idempotency_key',
  text: `
    INSERT INTO idempotency_key AS held (scope, key, request_hash, locked_until, created_at)
    SELECT $1, $2, $3, $4, $5 FROM set_config('synchronous_commit', 'off', true)
    ON CONFLICT (scope, key) DO UPDATE
      SET request_hash = excluded.request_hash, locked_until = excluded.locked_until, created_at = excluded.created_at,
        response_status = NULL, response_body = NULL
      WHERE held.created_at <= $6
        OR (held.response_status IS NULL AND held.locked_until <= $5 AND held.request_hash = excluded.request_hash)
    RETURNING locked_until`,
};
const FIND = {
  name: 'find_idempotency_key',
  text: 'SELECT request_hash, response_status, response_body FROM idempotency_key WHERE scope = $1 AND key = $2',
};
// The lock's end tells holders apart: one that was overtaken after its time changes nothing. Not waited for on disk either:
// lost with a crash of Postgres, the key is held until its lock ends and the request is then done again, as after a kill.
const KEEP = {
  name: 'keep_idempotent_answer',
  text: `UPDATE idempotency_key SET response_status = $4, response_body = $5
    FROM set_config('synchronous_commit', 'off', true)
    WHERE scope = $1 AND key = $2 AND locked_until = $3 AND response_status IS NULL`,
};
const RELEASE = {
  name: 'release_idempotency_key',
  text: 'DELETE FROM idempotency_key WHERE scope = $1 AND key = $2 AND locked_until = $3 AND response_status IS NULL',
};

/**
 * Takes a key for this request, or gives back the answer it had. Throws `conflict idempotency_key_reused` when the key
 * stands for another request and `conflict idempotency_key_in_progress` while the same one is being worked on.
 */
export async function claimKey(ctx: Ctx, request: KeyedRequest): Promise<Claim> {
  const now = ctx.clock.now();
  const lockedUntil = new Date(now.getTime() + LOCK_SECONDS * 1000);
  const forgotten = new Date(now.getTime() - KEPT_HOURS * 3_600_000);
  const taken = await ctx.pool.query({
    ...CLAIM,
    values: [request.scope, request.key, request.requestHash, lockedUntil, now, forgotten],
  });
  if (taken.rowCount === 1) return { kind: 'owner', lockedUntil };
  const { rows } = await ctx.pool.query<{
    request_hash: Buffer;
    response_status: number | null;
    response_body: string | null;
  }>({ ...FIND, values: [request.scope, request.key] });
  const [held] = rows;
  if (held && !held.request_hash.equals(request.requestHash)) throw new AppError('conflict', 'idempotency_key_reused');
  // No row any more: its holder failed and let go between the two statements; asking again will take it.
  if (!held || held.response_status === null)
    throw new AppError('conflict', 'idempotency_key_in_progress', { retryAfterSeconds: RETRY_SECONDS });
  return { kind: 'known', status: held.response_status, body: ctx.vault.reveal(held.response_body ?? '') };
}

/** Remembers the answer of the request that holds the key; it says what was bought and where it is paid, so it is concealed. */
export async function keepAnswer(
  ctx: Ctx,
  request: KeyedRequest,
  lockedUntil: Date,
  answer: { status: number; body: string },
): Promise<void> {
  await ctx.pool.query({
    ...KEEP,
    values: [request.scope, request.key, lockedUntil, answer.status, ctx.vault.conceal(answer.body)],
  });
}

/** Lets go of a key whose request came to nothing, so that the same one may be tried again at once. */
export async function releaseKey(ctx: Ctx, request: KeyedRequest, lockedUntil: Date): Promise<void> {
  await ctx.pool.query({ ...RELEASE, values: [request.scope, request.key, lockedUntil] });
}
