import { z } from 'zod';
import type { Verdict } from '#domain/errors.ts';
import type { Language } from '#domain/identity/rules.ts';

/** Between the wish and the deed it can be taken back. */
export const WAITING_MS = 86_400_000;

/** What is typed to confirm, in the language of the screen. */
export const WORDS: Readonly<Record<Language, string>> = { ja: '消去する', en: 'DELETE' };

/** Whether what was typed confirms. Spaces around it are nobody's meaning. */
export function judgeWord(typed: string, language: Language): Verdict<'erasure_word_wrong'> {
  return typed.trim() === WORDS[language] ? { ok: true } : { ok: false, reason: 'erasure_word_wrong' };
}

/** What can stand in the way: money that is on its way in one direction or the other, or others who rely on the person. */
export type Blocker =
  /** It would go on being charged. */
  | Readonly<{ kind: 'subscription'; subscriptionId: string; planId: string }>
  /** It can be paid, or its money is on its way. */
  | Readonly<{ kind: 'order'; invoiceId: string; planId: string; isHeld: boolean }>
  | Readonly<{ kind: 'refund'; paymentId: string }>
  | Readonly<{ kind: 'dispute'; paymentId: string }>
  /** A developer's share that is owed to them, or held. */
  | Readonly<{ kind: 'balance'; amount: bigint; currency: string }>
  | Readonly<{ kind: 'products'; count: number }>;

/** What is erased, in the order in which it goes. The last one is the key under which all else of a person lies. */
export const ERASED_CLASSES = [
  'stored_cards',
  'personal_log',
  'encrypted_records',
  'billing_keys',
  'rights',
  'order_items',
  'subscription_items',
  'copies',
  'messages',
  'answers',
  'payment_links',
  'settings',
  'identity_link',
] as const;
export type ErasedClass = (typeof ERASED_CLASSES)[number];

/** What stays, and why: see `retained.ts`. */
export const RETAINED_CLASSES = [
  'payments',
  'refunds',
  'disputes',
  'ledger',
  'orders',
  'subscriptions',
  'agreements',
  'provider_messages',
  'audit',
] as const;
export type RetainedClass = (typeof RETAINED_CLASSES)[number];

const Count = z.int().nonnegative();

/**
 * What an erasure did, as its person gets it and the server keeps it: classes, counts, times and payment services, nothing
 * about anybody. `count` null: it cannot be told apart from others' without opening it.
 */
export const ErasureReport = z.object({
  request_id: z.string(),
  type: z.literal('erasure'),
  status: z.enum(['completed', 'completed_partially']),
  requested_at: z.string(),
  completed_at: z.string(),
  erased: z.array(z.object({ class: z.enum(ERASED_CLASSES), count: Count, method: z.string() })),
  retained: z.array(
    z.object({
      class: z.enum(RETAINED_CLASSES),
      count: Count.nullable(),
      fields: z.array(z.string()),
      basis: z.string(),
      law: z.string().nullable(),
      /** ISO date; null: as long as this service keeps an audit. */
      until: z.string().nullable(),
    }),
  ),
  third_parties: z.array(z.object({ processor: z.string(), action: z.string() })),
  /** Where the audit's chain stood. */
  audit_head: z.string(),
});
export type ErasureReport = z.infer<typeof ErasureReport>;
