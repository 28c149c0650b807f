import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { Language } from '#domain/identity/rules.ts';
import { getPayment } from '#domain/payment/records.ts';

/** Long enough for a WebView to hand the link to the browser that downloads it. */
const LIVES_MS = 300_000;
const ISSUER = 'hoshi';
/** Another than a session's: neither is ever taken for the other. */
const AUDIENCE = 'hoshi:receipt';
const Claims = z.object({ sub: z.string().regex(/^pay_[0-9a-z]{1,40}$/), language: Language });

/** Whose receipt a link opens, and in which language. */
export type LinkedReceipt = Readonly<{ paymentId: string; language: Language }>;

/**
 * Signs a token (JWT, HS256) that opens one receipt for five minutes, to whoever has it. Throws not_found payment_not_found.
 */
export async function issueReceiptLink(
  ctx: Ctx,
  { language, paymentId }: LinkedReceipt,
): Promise<{ token: string; expiresAt: Date }> {
  await getPayment(ctx, paymentId);
  const now = ctx.clock.now();
  const expiresAt = new Date(now.getTime() + LIVES_MS);
  const token = await new SignJWT({ language })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(paymentId)
    .setIssuedAt(now)
    .setExpirationTime(expiresAt)
    .sign(new TextEncoder().encode(ctx.sessionSecret));
  return { token, expiresAt };
}

/** Which receipt a token opens. Throws `not_found receipt_link_ended` for one that ended and for anything not ours. */
export async function readReceiptLink(ctx: Ctx, token: string): Promise<LinkedReceipt> {
  try {
    const { payload } = await jwtVerify(token, new TextEncoder().encode(ctx.sessionSecret), {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp'],
      currentDate: ctx.clock.now(),
    });
    const { language, sub } = Claims.parse(payload);
    return { paymentId: sub, language };
  } catch (error) {
    throw new AppError('not_found', 'receipt_link_ended', { cause: error });
  }
}
