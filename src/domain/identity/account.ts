import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import type { Subject } from '#domain/identity/rules.ts';
import { openBytes, sealBytes } from '#lib/crypto.ts';

/** The subject of a Telegram account. */
export function subjectOf(ctx: Ctx, telegramId: bigint): Subject {
  return Buffer.from(ctx.vault.subjectOf(telegramId)).toString('hex');
}

/** A link as the database keeps it. */
export type SealedAccount = Readonly<{ sealed: Uint8Array; dataKey: Uint8Array }>;

/** What the link of a new person holds: their account under a key of their own. */
export function sealAccount(ctx: Pick<Ctx, 'vault'>, telegramId: bigint) {
  const { key, wrapped } = ctx.vault.makeKey();
  return {
    subject: ctx.vault.subjectOf(telegramId),
    sealed: new Uint8Array(sealBytes(key, Buffer.from(telegramId.toString()))),
    dataKey: wrapped,
  };
}

/** The Telegram id in a link. */
export function openAccount(ctx: Ctx, link: SealedAccount): bigint {
  return BigInt(openBytes(ctx.vault.open(link.dataKey), link.sealed).toString());
}

/** The Telegram id of a person, for writing to them and for giving their money back. Throws `not_found user_not_found`. */
export async function telegramIdOf(ctx: Ctx, userId: string): Promise<bigint> {
  return openAccount(ctx, await getLink(ctx, userId));
}

/** The same, null once they were erased: what would have been sent to them, or given back through it, has nobody to go to. */
export async function findTelegramId(ctx: Ctx, userId: string): Promise<bigint | null> {
  const link = await findLink(ctx, userId);
  return link && openAccount(ctx, link);
}

/** The key under which a person's own things lie. Throws `not_found user_not_found`, also once they were erased. */
export async function dataKeyOf(ctx: Ctx, userId: string): Promise<Uint8Array> {
  return ctx.vault.open((await getLink(ctx, userId)).dataKey);
}

async function getLink(ctx: Ctx, userId: string): Promise<SealedAccount> {
  const link = await findLink(ctx, userId);
  if (!link) throw new AppError('not_found', 'user_not_found');
  return link;
}

function findLink(ctx: Ctx, userId: string): Promise<SealedAccount | null> {
  return ctx.db.identityLink.findUnique({ where: { userId }, select: { sealed: true, dataKey: true } });
}
