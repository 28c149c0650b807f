import { BREAKER_FAILURES, BREAKER_OPEN_MS } from '#domain/checkout/rules.ts';
import type { Ctx } from '#domain/context/context.ts';

/** A provider's breaker as a checkout loads it. `openUntil` may be over: then it is tried again. */
export type Breaker = Readonly<{ provider: string; failures: number; openUntil: Date | null }>;

// One statement: failures that arrive at once are all counted. Each that follows an open breaker keeps it open as long again.
const FAILED = {
  name: 'breaker_failed',
  text: `INSERT INTO provider_breaker AS b (provider, failures, open_until) VALUES ($1, 1, NULL)
    ON CONFLICT (provider) DO UPDATE SET failures = least(b.failures + 1, 1000000),
      open_until = CASE WHEN b.failures + 1 >= $2 THEN $3::timestamptz ELSE b.open_until END`,
};
const WORKED = {
  name: 'breaker_worked',
  text: 'UPDATE provider_breaker SET failures = 0, open_until = NULL WHERE provider = $1 AND failures > 0',
};

/** Counts a provider that was unavailable; after BREAKER_FAILURES in a row it is passed over for BREAKER_OPEN_MS. */
export async function noteFailure(ctx: Ctx, provider: string): Promise<void> {
  const openUntil = new Date(ctx.clock.now().getTime() + BREAKER_OPEN_MS);
  await ctx.pool.query({ ...FAILED, values: [provider, BREAKER_FAILURES, openUntil] });
}

/** Closes a provider's breaker: it works again. */
export async function noteSuccess(ctx: Ctx, provider: string): Promise<void> {
  await ctx.pool.query({ ...WORKED, values: [provider] });
}
