import type { Currency } from '#domain/money.ts';

/** Payment methods a person can choose; several providers may serve one. */
export const METHODS = ['telegram_stars', 'credit_card', 'bank_transfer', 'digital_wallet', 'cryptocurrency'] as const;
export type Method = (typeof METHODS)[number];

/** Where the person is while paying. The surface policy decides by it. */
export const SURFACES = ['mini_app', 'bot', 'browser', 'api'] as const;
export type Surface = (typeof SURFACES)[number];

export const PRIVACY_LEVELS = ['very_high', 'high', 'medium', 'low'] as const;
export type PrivacyLevel = (typeof PRIVACY_LEVELS)[number];

/**
 * What a provider takes of a charge: `bps` of the amount plus a fixed part in minor units. `network` fees are paid on top, by
 * the sender. `isKept`: it stays with the provider when the charge is given back.
 */
export type ProcessorFee = Readonly<{ bps: number; fixed: bigint; network: boolean; isKept: boolean }>;

/** One thing a provider can do, as data: the fee table, the surface policy and the failover order are read from it. */
export type Capability = Readonly<{
  method: Method;
  currency: Currency;
  fee: ProcessorFee;
  privacy: PrivacyLevel;
  /** Lengths of native renewals in days; empty: one-off payments only. */
  renewalDays: ReadonlyArray<number>;
  surfaces: ReadonlyArray<Surface>;
  /** Largest amount in minor units for a one-off and for a renewing invoice. */
  maxAmount: Readonly<{ oneTime: bigint; renewing: bigint }>;
  /** How long a payment usually takes to be known to us, in minutes. */
  settlesInMinutes: number;
}>;
