/** The part of the control protocol (control.ts) for Stripe. */

/** One posting of an event; `status` is null when there was no answer. */
export type SimStripeDelivery = { atMs: number; status: number | null; answer: string };

export type SimStripeEvent = {
  id: string;
  type: string;
  created: number;
  /** The payment it belongs to, else the session, customer or other object itself. */
  subject: string;
  /** `quiet`: the endpoint does not listen to this type; `given_up`: not taken for three days. */
  state: 'quiet' | 'pending' | 'delivered' | 'given_up';
  deliveries: SimStripeDelivery[];
};

/** A PaymentIntent in Stripe's own books. Amounts in minor units. */
export type SimStripePayment = {
  id: string;
  created: number;
  status: string;
  amount: number;
  currency: string;
  amount_refunded: number;
  /** Of a bank transfer that is not whole. */
  amount_remaining: number | null;
  method: string;
  session: string | null;
  client_reference_id: string | null;
  customer: string | null;
  metadata: Record<string, string>;
  charges: { id: string; status: string; failure_code: string | null }[];
  refunds: { id: string; amount: number; status: string }[];
  disputes: { id: string; amount: number; status: string }[];
  events: SimStripeEvent[];
};

export type SimStripePayResult = {
  /** `unpaid`: the money comes later; `saved`: a card was stored; `challenge`: the bank's question is still open. */
  status: 'paid' | 'unpaid' | 'saved' | 'declined' | 'challenge';
  session: string;
  payment: string | null;
  error?: { code: string; decline_code?: string; message: string };
  redirect_url?: string;
  /** The voucher, or where to send a transfer. */
  instructions_url?: string;
};

/*
 * Stripe: what payers, banks and the Dashboard do. Each answers when the application was told once.
 *
 * POST   /sim/stripe/pay     { url, method?: 'card'|'apple_pay'|'google_pay'|'link'|'konbini'|'bank_transfer', card?, expiry?, cvc?, email?, authenticate?: 'accept'|'refuse'|'leave' }
 *                                                    -> SimStripePayResult (url: of a session, or its id; card: a test card, else 4242…)
 * POST   /sim/stripe/sessions/:id/expire             -> the session
 * GET    /sim/stripe/payments?limit=&order=          -> SimStripePayment[] (newest first; order: client_reference_id)
 * GET    /sim/stripe/payments/:id                    -> SimStripePayment  (id: of a PaymentIntent)
 * POST   /sim/stripe/payments/:id/konbini  { store? } -> SimStripePayment (the voucher is paid at a shop)
 * POST   /sim/stripe/payments/:id/transfer { amount } -> SimStripePayment (a bank transfer of any amount, in minor units)
 * POST   /sim/stripe/payments/:id/fail               -> SimStripePayment  (the money of a delayed payment does not come)
 * POST   /sim/stripe/payments/:id/authenticate { answer: 'accept'|'refuse' } -> SimStripePayment (to the bank, about a charge of a stored card)
 * POST   /sim/stripe/payments/:id/refund   { amount? } -> the refund      (from the Dashboard)
 * POST   /sim/stripe/payments/:id/dispute  { reason? } -> the dispute
 * POST   /sim/stripe/disputes/:id/close    { outcome: 'won'|'lost' } -> the dispute
 * POST   /sim/stripe/refunds/:id/settle    { outcome: 'succeeded'|'failed' } -> the refund
 * GET    /sim/stripe/events?limit=&type=&subject=    -> SimStripeEvent[] (newest first)
 * POST   /sim/stripe/events/:id/redeliver            -> SimStripeEvent
 * GET    /sim/stripe/balance                         -> { [currency]: minor units }
 */
