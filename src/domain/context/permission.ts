import { AppError } from '#domain/errors.ts';
import type { Ctx, Role, Scope } from './context.ts';

/**
 * Allows the person `userId` themselves, staff (support: to read), a server whose key has `scope`, and our own system. Others get
 * `unauthenticated`, `forbidden` (scope) or `notFound` when given: a stranger must not learn that something exists.
 */
export function requireOwnerOr(ctx: Ctx, userId: string, scope: Scope, hidden?: AppError): void {
  const { actor } = ctx;
  if (actor.kind === 'system') return;
  if (actor.kind === 'api_key') {
    requireScope(ctx, scope);
    return;
  }
  if (actor.kind === 'user' && (actor.userId === userId || mayAsStaff(actor.role, scope))) return;
  if (actor.kind === 'user') throw hidden ?? new AppError('forbidden', 'not_yours');
  throw new AppError('unauthenticated', 'session_missing');
}

/** Support may look at everything and change nothing; an admin may do both. */
function mayAsStaff(role: Role, scope: Scope): boolean {
  return role === 'admin' || (role === 'support' && scope.endsWith(':read'));
}

/** Allows a server whose key has `scope`, admins and our own system. */
export function requireScope(ctx: Ctx, scope: Scope): void {
  const { actor } = ctx;
  if (actor.kind === 'system') return;
  if (actor.kind === 'api_key') {
    if (actor.scopes.includes(scope)) return;
    throw new AppError('forbidden', 'scope_missing', { details: { scope } });
  }
  if (actor.kind === 'user' && actor.role === 'admin') return;
  if (actor.kind === 'user') throw new AppError('forbidden', 'not_yours');
  throw new AppError('unauthenticated', 'session_missing');
}

/**
 * Allows the person `userId` alone, and our own system: neither staff nor a server may put their own key in the place of a
 * person's. Others get `unauthenticated session_missing`, `forbidden not_yours` or `hidden` when given.
 */
export function requireSelf(ctx: Ctx, userId: string, hidden?: AppError): void {
  const { actor } = ctx;
  if (actor.kind === 'system' || (actor.kind === 'user' && actor.userId === userId)) return;
  if (actor.kind === 'user') throw hidden ?? new AppError('forbidden', 'not_yours');
  throw new AppError('unauthenticated', 'session_missing');
}
