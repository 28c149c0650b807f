import type Stripe from 'stripe';

/** One of Stripe's objects as it is kept: the others stand in it as their ids. */
type Kept<T> = { [Key in keyof T]: Extract<T[Key], string> extends never ? T[Key] : Flat<T[Key]> };
type Flat<T> = string extends T ? Extract<T, string | null | undefined> : T;

export type Session = Kept<Stripe.Checkout.Session>;
export type PaymentIntent = Kept<Stripe.PaymentIntent>;
export type Charge = Kept<Stripe.Charge>;
export type Refund = Kept<Stripe.Refund>;
export type Dispute = Kept<Stripe.Dispute>;
export type BalanceTransaction = Kept<Stripe.BalanceTransaction>;
export type Customer = Kept<Stripe.Customer>;
export type SetupIntent = Kept<Stripe.SetupIntent>;
export type PaymentMethod = Kept<Stripe.PaymentMethod>;
export type CashBalance = Kept<Stripe.CashBalance>;
export type CashTransaction = Kept<Stripe.CustomerCashBalanceTransaction>;

/** A snapshot event. What it carries is a copy of the moment. */
export type EventObject = {
  id: string;
  object: 'event';
  api_version: string;
  created: number;
  data: { object: Record<string, unknown>; previous_attributes?: Record<string, unknown> };
  livemode: false;
  pending_webhooks: number;
  request: { id: string | null; idempotency_key: string | null };
  type: string;
};

/** On whose doing something happens: a request of the application, or somebody on a page. */
export type Cause = {
  /** Where the sandbox is seen from there, for links: `http://localhost:8081`. */
  origin: string;
  request: EventObject['request'];
};

/** The ways to pay that are simulated, by the names of Stripe's types. */
export const METHOD_TYPES = ['card', 'link', 'konbini', 'customer_balance'] as const;
export type MethodType = (typeof METHOD_TYPES)[number];
export type Wallet = 'apple_pay' | 'google_pay' | 'link';
