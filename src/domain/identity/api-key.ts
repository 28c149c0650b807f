import { type Actor, type Ctx, newId, SCOPES, type Scope } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { sha256 } from '#lib/crypto.ts';

// Asked at every call of a server, so not through the model API.
const FIND = {
  name: 'find_api_key',
  text: 'SELECT id, scopes FROM api_key WHERE key_hash = $1 AND revoked_at IS NULL',
};

/** Who an API key speaks for. Keys are 20 to 200 characters and looked up by their hash. Throws `unauthenticated api_key_unknown`. */
export async function authenticateApiKey(ctx: Ctx, key: string): Promise<Extract<Actor, { kind: 'api_key' }>> {
  if (key.length < 20 || key.length > 200) throw new AppError('unauthenticated', 'api_key_unknown');
  const { rows } = await ctx.pool.query<{ id: string; scopes: string[] }>({ ...FIND, values: [sha256(key)] });
  const [found] = rows;
  if (!found) throw new AppError('unauthenticated', 'api_key_unknown');
  return { kind: 'api_key', keyId: found.id, scopes: SCOPES.filter((scope) => found.scopes.includes(scope)) };
}

/** Registers a key so that it is accepted from now on; the same key twice is one. Only its hash is kept. */
export async function registerApiKey(
  ctx: Ctx,
  key: { name: string; secret: string; scopes: ReadonlyArray<Scope> },
): Promise<void> {
  const keyHash = new Uint8Array(sha256(key.secret));
  const scopes = [...key.scopes];
  await ctx.db.apiKey.upsert({
    where: { keyHash },
    create: { id: newId(ctx, 'key'), name: key.name, keyHash, scopes, createdAt: ctx.clock.now() },
    update: { scopes },
  });
}

/** Takes a key back; from the next request on it is refused. Returns false when there is no such key that is valid. */
export async function revokeApiKey(ctx: Ctx, keyId: string): Promise<boolean> {
  const { count } = await ctx.db.apiKey.updateMany({
    where: { id: keyId, revokedAt: null },
    data: { revokedAt: ctx.clock.now() },
  });
  return count === 1;
}

/** Keys that are valid, oldest first; never the secrets, which nobody knows. */
export async function listApiKeys(ctx: Ctx): Promise<Array<{ id: string; name: string; scopes: string[] }>> {
  return ctx.db.apiKey.findMany({
    where: { revokedAt: null },
    select: { id: true, name: true, scopes: true },
    orderBy: { createdAt: 'asc' },
    take: 1_000,
  });
}
