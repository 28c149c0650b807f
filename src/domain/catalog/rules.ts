import { z } from 'zod';

/** Texts of a product in one language. */
export const ProductText = z.object({ name: z.string(), description: z.string() });
/** Texts of a plan in one language: what one gets and how it is private. */
export const PlanText = z.object({
  name: z.string().max(32),
  description: z.string().max(255),
  features: z.array(z.string()),
  privacy: z.array(z.string()),
});
export type ProductText = z.infer<typeof ProductText>;
export type PlanText = z.infer<typeof PlanText>;

const localised = <T extends z.ZodType>(text: T) => z.object({ ja: text, en: text });
export const ProductTexts = localised(ProductText);
export const PlanTexts = localised(PlanText);
/** Machine-readable limits of a plan, e.g. `{ channels: 5, posts: 100 }`. */
export const PlanLimits = z.record(z.string(), z.number().int().nonnegative());
export type PlanLimits = z.infer<typeof PlanLimits>;

export type Interval = 'once' | 'month' | 'year';

/** What a year saves against twelve months: minor units and whole percent (rounded down), or null when it saves nothing. */
export function yearlySavings(monthly: bigint, yearly: bigint): { amount: bigint; percent: number } | null {
  const year = monthly * 12n;
  if (year <= yearly) return null;
  return { amount: year - yearly, percent: Number(((year - yearly) * 100n) / year) };
}

const DAY_MS = 86_400_000;
/** A month of a Stars subscription is exactly this long (telegram.md §1.2); one-off months follow the same rule. */
export const MONTH_DAYS = 30;

/** The end of access bought at `start`: 30 days for a month, the same date next year for a year, null for good. */
export function accessEnd(start: Date, interval: Interval): Date | null {
  if (interval === 'once') return null;
  if (interval === 'month') return new Date(start.getTime() + MONTH_DAYS * DAY_MS);
  const end = new Date(start);
  end.setUTCFullYear(end.getUTCFullYear() + 1);
  // 29 February becomes 28 February: a year never ends in March because of a leap day.
  if (end.getUTCMonth() !== start.getUTCMonth()) end.setUTCDate(0);
  return end;
}
