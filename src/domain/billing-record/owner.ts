import { z } from 'zod';
import { SealedKey } from '#domain/billing-key/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { Language, languageFor } from '#domain/identity/rules.ts';
import { openBytes } from '#lib/crypto.ts';
import { describeError } from '#lib/log.ts';
import { type PublicKey, readPublicKey } from '#lib/openpgp.ts';

/** To whom a person's records are sealed, as the SQL function `record_owner` gives it. */
export const OwnerRow = z.object({
  userId: z.string(),
  language: z.string(),
  /** The person's data key as it is kept, base64. */
  dataKey: z.string(),
  /** Their active public keys under it, base64. */
  keys: z.array(z.string()),
});
export type OwnerRow = z.infer<typeof OwnerRow>;

/** A person's keys, opened. `publicKeys` are those that can be encrypted to at present. */
export type RecordOwner = Readonly<{
  userId: string;
  language: Language;
  dataKey: Uint8Array;
  publicKeys: ReadonlyArray<PublicKey>;
}>;

/**
 * Opens a person's keys. One that has expired or was revoked since it was added is left out, and so is one that cannot be read:
 * a payment must not wait for a key to be mended, its record can.
 */
export async function openOwner(ctx: Ctx, row: OwnerRow): Promise<RecordOwner> {
  const { language, userId } = row;
  const dataKey = ctx.vault.open(Buffer.from(row.dataKey, 'base64'));
  const publicKeys: PublicKey[] = [];
  for (const sealed of row.keys) {
    try {
      const key = await openPublicKey(dataKey, sealed);
      if (await canEncryptTo(key, ctx.clock.now())) publicKeys.push(key);
    } catch (error) {
      ctx.log.error(
        { userId, error: describeError(error) },
        'a billing key cannot be read; records are made without it',
      );
    }
  }
  const known = Language.safeParse(language);
  return { userId, language: known.success ? known.data : languageFor(language), dataKey, publicKeys };
}

function openPublicKey(dataKey: Uint8Array, sealed: string): Promise<PublicKey> {
  const content = JSON.parse(openBytes(dataKey, Buffer.from(sealed, 'base64')).toString('utf8'));
  return readPublicKey(Buffer.from(SealedKey.parse(content).publicKey, 'base64'));
}

function canEncryptTo(key: PublicKey, now: Date): Promise<boolean> {
  return key.getEncryptionKey(undefined, now).then(
    () => true,
    () => false,
  );
}

/** A person's keys by their id; null once they were erased. */
export async function findOwner(ctx: Ctx, userId: string): Promise<RecordOwner | null> {
  const rows = await ctx.db.$queryRaw<Array<{ owner: unknown }>>`SELECT record_owner(${userId}) AS owner`;
  const owner = OwnerRow.nullable().parse(rows[0]?.owner ?? null);
  return owner && openOwner(ctx, owner);
}
