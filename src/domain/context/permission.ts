import { AppError } from '#domain/errors.ts';
import type { Ctx, Scope } from './context.ts';

/**
 * Allows the person `userId` themselves, staff, a server whose key has `scope`, and our own system. Others get
 * `unauthenticated`, `forbidden` (scope) or `notFound` when given: a stranger must not learn that something exists.
 */
export function requireOwnerOr(ctx: Ctx, userId: string, scope: Scope, hidden?: AppError): void {
  const { actor } = ctx;
  if (actor.kind === 'system') return;
  if (actor.kind === 'api_key') {
    requireScope(ctx, scope);
    return;
  }
  if (actor.kind === 'user' && (actor.userId === userId || actor.role === 'support' || actor.role === 'admin')) return;
  if (actor.kind === 'user') throw hidden ?? new AppError('forbidden', 'not_yours');
  throw new AppError('unauthenticated', 'session_missing');
}

/** Allows a server whose key has `scope`, staff and our own system. */
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
