import { z } from 'zod';

export const RECORD_TYPES = ['payment', 'refund', 'renewal', 'subscription_change', 'revenue_share', 'payout'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

const Text = z.string();
/** An amount in minor units of its currency, as text: it may be larger than what JSON keeps exactly. */
const Amount = z.object({ amount: z.string().regex(/^-?\d{1,20}$/), currency: Text });
const Named = z.object({ code: Text, name: Text });

/**
 * What a billing record says, as it lies in the OpenPGP message: JSON, indented, so that a person who decrypts it can read it.
 * Version 1; fields are only ever added. What does not apply is left out.
 */
export const BillingRecord = z.object({
  hoshi: z.literal(1),
  record: Text,
  type: z.enum(RECORD_TYPES),
  /** The payment, refund or subscription it is about. */
  about: Text,
  at: Text,
  amount: Amount.optional(),
  item: z.object({ product: Named, plan: Named, interval: Text }).optional(),
  /** What the seller's server said of the order. */
  description: Text.optional(),
  metadata: z.record(Text, Text).optional(),
  period: z.object({ start: Text, end: Text.nullable() }).optional(),
  provider: z.object({ id: Text, charge: Text, method: Text.nullable() }).optional(),
  /** Where the money goes; the parts sum to the amount. */
  shares: z.object({ developer: Amount, platform: Amount, processor: Amount }).optional(),
  /** Why money went back, or what became of a subscription. */
  reason: Text.optional(),
  /** The payment that a refund belongs to. */
  payment: Text.optional(),
});
export type BillingRecord = z.infer<typeof BillingRecord>;

/** The record as it is encrypted. */
export function writeRecord(record: BillingRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** The words under which records are found again in a log; each begins with # there. */
export const HASHTAGS: Readonly<Record<RecordType, string>> = {
  payment: 'payment',
  refund: 'refund',
  renewal: 'renewal',
  subscription_change: 'subscription',
  revenue_share: 'revenue',
  payout: 'payout',
};

/**
 * Why a sealed record is not delivered yet, and what lets it go on: `time`, it is tried again; `return`, its owner can be
 * written to again; `switch`, its owner switches their log on; `owner`, only they can say.
 */
export const OBSTACLES = {
  /** Telegram asks to wait. */
  flood: 'time',
  /** Nothing could be sent: Telegram does not answer. */
  telegram_unavailable: 'time',
  /** The person blocked the bot or never began a chat with it. */
  unreachable: 'return',
  /** The log is switched off. */
  off: 'switch',
  /** Whoever placed the order asked for no delivery. */
  not_logged: 'owner',
  /** It was sent, and no answer came: nobody knows whether it arrived. */
  unknown: 'owner',
  /** A process died while it sent it. */
  interrupted: 'owner',
  /** Telegram refused it. */
  refused: 'owner',
} as const satisfies Record<string, 'time' | 'return' | 'switch' | 'owner'>;
export type Obstacle = keyof typeof OBSTACLES;

/** The obstacles that end in this way. */
export function obstaclesEndedBy(end: (typeof OBSTACLES)[Obstacle]): Obstacle[] {
  return (Object.keys(OBSTACLES) as Obstacle[]).filter((obstacle) => OBSTACLES[obstacle] === end);
}
