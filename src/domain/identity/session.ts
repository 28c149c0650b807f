import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Actor, Ctx, Role } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';

/** A session outlives the hour of initData, because a Mini App may stay open for long; it ends the same day. */
export const SESSION_HOURS = 12;
const ISSUER = 'hoshi';
const Claims = z.object({
  sub: z.string().regex(/^usr_[0-9a-z]{1,40}$/),
  role: z.enum(['user', 'developer', 'support', 'admin']),
});

/** Signs a session token (JWT, HS256) for a person. */
export async function issueSession(
  ctx: Ctx,
  user: { id: string; role: string },
): Promise<{ token: string; expiresAt: Date }> {
  const now = ctx.clock.now();
  const expiresAt = new Date(now.getTime() + SESSION_HOURS * 3_600_000);
  const token = await new SignJWT({ role: user.role })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(ISSUER)
    .setSubject(user.id)
    .setIssuedAt(now)
    .setExpirationTime(expiresAt)
    .sign(new TextEncoder().encode(ctx.sessionSecret));
  return { token, expiresAt };
}

/** Who a session token speaks for. Throws `unauthenticated session_expired`, or `session_missing` for anything not ours. */
export async function authenticate(ctx: Ctx, token: string): Promise<Extract<Actor, { kind: 'user' }>> {
  const claims = await readClaims(ctx, token);
  return { kind: 'user', userId: claims.sub, role: await presentRole(ctx, claims) };
}

async function readClaims(ctx: Ctx, token: string): Promise<z.infer<typeof Claims>> {
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(ctx.sessionSecret), {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience: ISSUER,
      // Without it a token would never end.
      requiredClaims: ['exp'],
      currentDate: ctx.clock.now(),
    });
    return Claims.parse(payload);
  } catch (error) {
    const isExpired = error instanceof Error && 'code' in error && error.code === 'ERR_JWT_EXPIRED';
    throw new AppError('unauthenticated', isExpired ? 'session_expired' : 'session_missing');
  }
}

// Asked at every request of a person, so not through the model API.
const FIND = { name: 'find_session_user', text: 'SELECT role, erased_at FROM users WHERE id = $1' };

/** A token outlives a demotion and an erasure. Who was erased is nobody: their client signs in again, as somebody new. */
async function presentRole(ctx: Ctx, { role, sub }: z.infer<typeof Claims>): Promise<Role> {
  const { rows } = await ctx.pool.query<{ role: Role; erased_at: Date | null }>({ ...FIND, values: [sub] });
  const [user] = rows;
  if (user?.erased_at) throw new AppError('unauthenticated', 'session_expired');
  return role === 'user' ? role : (user?.role ?? 'user');
}
