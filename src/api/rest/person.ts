import type { BuyerName } from '#domain/checkout/load.ts';
import type { Ctx, Scope } from '#domain/context/context.ts';
import { requireOwnerOr } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import { subjectOf } from '#domain/identity/account.ts';
import { findUserByTelegramId, getUser } from '#domain/identity/find-user.ts';
import { MAX_TELEGRAM_ID, type Subject } from '#domain/identity/rules.ts';
import type { User } from '#lib/generated/prisma/client.ts';
import { malformedRequest } from '../errors.ts';
import { actingFor } from '../request.ts';

/** How a request names a person. */
export type Named = Readonly<{
  user_id?: string | number | undefined;
  customer_telegram_id?: string | number | undefined;
}>;

/** For a look that an allowed act needs, so that a key for the act need not also have the right to read everything. */
export function asSystem(ctx: Ctx): Ctx {
  return actingFor(ctx, { kind: 'system', name: 'api' });
}

const TELEGRAM_ID = /^[1-9][0-9]{0,15}$/;

/**
 * The person a request is about: whom it names, or the person of the session. A name that is not the caller's own and
 * needs rights they lack is refused before it is looked up, so that nobody learns who exists.
 *
 * Throws `forbidden not_yours | scope_missing`, `not_found user_not_found`, `invalid malformed_request` when a server
 * names nobody or two different people.
 */
export async function resolvePerson(ctx: Ctx, named: Named, scope: Scope): Promise<User> {
  const name = nameOf(ctx, named, scope);
  const user = 'userId' in name ? await getUser(ctx, name.userId) : await findUserByTelegramId(ctx, name.telegramId);
  const found = requireFound(ctx, user, scope);
  const { telegramId } = namesOf(named);
  const isOther = telegramId !== null && (await findUserByTelegramId(ctx, telegramId))?.id !== found.id;
  if (isOther) throw malformedRequest({ fields: 'customer_telegram_id' });
  return found;
}

/** Whom a checkout is for, before anybody is looked up; refuses as `resolvePerson` does. See `requireNamed`. */
export function nameOf(ctx: Ctx, named: Named, scope: Scope): BuyerName {
  const { userId, telegramId } = namesOf(named);
  if (userId !== null) {
    requireOwnerOr(ctx, userId, scope);
    return { userId };
  }
  if (telegramId !== null) return { telegramId };
  if (ctx.actor.kind === 'user') return { userId: ctx.actor.userId };
  throw malformedRequest({ fields: 'user_id' });
}

/** Holds the person that was found against the one that was named. Throws as `resolvePerson` does. */
export function requireNamed<Person extends { id: string; subject: Subject | null }>(
  ctx: Ctx,
  buyer: Person | null,
  named: Named,
  scope: Scope,
): Person {
  const found = requireFound(ctx, buyer, scope);
  const { telegramId } = namesOf(named);
  if (telegramId !== null && found.subject !== subjectOf(ctx, telegramId))
    throw malformedRequest({ fields: 'customer_telegram_id' });
  return found;
}

/** Nobody owns the empty id: without rights over others, a stranger and an unknown person look the same. */
function requireFound<Person extends { id: string }>(ctx: Ctx, person: Person | null, scope: Scope): Person {
  requireOwnerOr(ctx, person?.id ?? '', scope);
  if (!person) throw new AppError('not_found', 'user_not_found');
  return person;
}

/** `user_id` may also be a Telegram id, as in the older systems. */
function namesOf(named: Named): { userId: string | null; telegramId: bigint | null } {
  const userId = named.user_id === undefined ? null : String(named.user_id);
  const given = named.customer_telegram_id === undefined ? null : BigInt(named.customer_telegram_id);
  if (userId === null || !TELEGRAM_ID.test(userId) || Number(userId) > MAX_TELEGRAM_ID)
    return { userId, telegramId: given };
  if (given !== null && given !== BigInt(userId)) throw malformedRequest({ fields: 'customer_telegram_id' });
  return { userId: null, telegramId: BigInt(userId) };
}

/** The person of the session: nobody names another here. */
export function callerOf({ actor }: Ctx): string {
  if (actor.kind !== 'user') throw new AppError('unauthenticated', 'session_missing');
  return actor.userId;
}
