import { type Actor, type Ctx, newId, SCOPES, type Scope } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { sha256 } from '#lib/crypto.ts';

/** Who an API key speaks for. Keys are 20 to 200 characters and looked up by their hash. Throws `unauthenticated api_key_unknown`. */
export async function authenticateApiKey(ctx: Ctx, key: string): Promise<Extract<Actor, { kind: 'api_key' }>> {
  const isPlausible = key.length >= 20 && key.length <= 200;
  const found = isPlausible
    ? await ctx.db.apiKey.findUnique({ where: { keyHash: new Uint8Array(sha256(key)) } })
    : null;
  if (!found || found.revokedAt) throw new AppError('unauthenticated', 'api_key_unknown');
  const scopes = SCOPES.filter((scope) => found.scopes.includes(scope));
  return { kind: 'api_key', keyId: found.id, scopes };
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
    create: { id: newId(ctx, 'key'), name: key.name, keyHash, scopes },
    update: { scopes },
  });
}
