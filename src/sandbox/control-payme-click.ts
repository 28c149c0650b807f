/** The part of the control protocol (control.ts) for Payme and Click. */

/** One exchange of a payment provider with the application, or something the provider did itself. */
export type SimProviderStep = {
  /** Sandbox time. */
  atMs: number;
  /** RPC method, `Prepare`, `Complete`, or what was done (`debit`, `return`). */
  name: string;
  /** Sent again on purpose, to compare the answers. */
  is_repeat: boolean;
  /** How often it was sent until an answer could be used. */
  tries: number;
  outcome: 'accepted' | 'refused' | 'unavailable' | 'malformed' | 'done';
  /** The answer as it came. */
  answer?: unknown;
  note?: string;
};

/** What a provider says about a payment that did not go through. */
export type SimProviderError = { code: number; message: string; data?: string };

/** A payment in Payme's own books. Amounts in tiyin, times in milliseconds of the sandbox clock. */
export type SimPaymeTransaction = {
  /** 24 hex digits. */
  id: string;
  time: number;
  amount: number;
  account: Record<string, string>;
  /** Masked. */
  card: string;
  /** 0: CreateTransaction was not accepted (yet). */
  state: 0 | 1 | 2 | -1 | -2;
  reason: number | null;
  /** The application's times and number, 0 and null until it gave them. */
  create_time: number;
  perform_time: number;
  cancel_time: number;
  transaction: string | null;
  receivers: unknown;
  /** Of the receipt it was charged for, when it was not a checkout. */
  receipt_id?: string;
  money: 'none' | 'debited' | 'returned';
  /** `unclear`: an answer is missing; `resume` tries again, after twelve hours it is cancelled. */
  status: 'processing' | 'paid' | 'failed' | 'unclear' | 'refunded';
  error?: SimProviderError;
  fiscal: Partial<Record<'PERFORM' | 'CANCEL', 'taken' | 'refused' | 'unanswered'>>;
  steps: SimProviderStep[];
  /** Where the application broke the protocol: answers of repeats that differ, missing fields … */
  complaints: string[];
};

export type SimPaymeCheck = {
  status: 'allowed' | 'refused';
  amount: number;
  account: Record<string, string>;
  error?: SimProviderError;
  additional?: unknown;
  detail?: unknown;
};

export type SimPaymePayResult = {
  /** `refused`: it never came to a transaction (link, CheckPerformTransaction, card or code). */
  status: SimPaymeTransaction['status'] | 'refused';
  error?: SimProviderError;
  transaction: SimPaymeTransaction | null;
  steps: SimProviderStep[];
  /** Where the payer is sent back to. */
  redirect_url?: string;
};

export type SimPaymeStatement = {
  from: number;
  to: number;
  error?: SimProviderError;
  /** The application's rows as they came. */
  transactions: unknown[];
  differences: SimPaymeDifference[];
};

export type SimPaymeDifference = { id: string; field: string; payme: unknown; application: unknown };

/** Why a stored card is declined from now on, though it was accepted before. */
export type SimCardDecline = 'blocked' | 'insufficient_funds';

/** A card of Payme's Subscribe API. */
export type SimPaymeCard = {
  /** 24 hex digits. */
  id: string;
  /** Masked. */
  number: string;
  expire: string;
  /** Changes when the card is verified. */
  token: string;
  /** Kept after a payment. */
  recurrent: boolean;
  verify: boolean;
  created_at_ms: number;
  declines?: SimCardDecline;
};

/** A receipt of Payme's Subscribe API. Amount in tiyin, times in milliseconds of the sandbox clock. */
export type SimPaymeReceipt = {
  id: string;
  /**
   * 0 created, 1 checks and CreateTransaction, 2 debit, 3 PerformTransaction, 4 paid, 21 to be cancelled, 30 waits for
   * an answer to PerformTransaction, 50 cancelled.
   */
  state: 0 | 1 | 2 | 3 | 4 | 21 | 30 | 50;
  amount: number;
  account: Record<string, string>;
  create_time: number;
  pay_time: number;
  cancel_time: number;
  /** Masked; null before receipts.pay. */
  card: string | null;
  transaction_id: string | null;
  error?: SimProviderError;
  fiscal_data?: unknown;
  /** The phone receipts.send named last. */
  sent_to?: string;
};

/** A card token of Click's Merchant API. */
export type SimClickCard = {
  card_token: string;
  /** Masked. */
  card_number: string;
  expire_date: string;
  phone_number: string;
  /** Deleted after its first payment. */
  temporary: boolean;
  is_verified: boolean;
  created_at_ms: number;
  declines?: SimCardDecline;
};

/** A payment in Click's own books. `amount` is the text of the pay link, in so'm. Ids are text: they may exceed 2^53. */
export type SimClickPayment = {
  click_trans_id: string;
  /** Also the payment_id of the Merchant API. */
  click_paydoc_id: string;
  service_id: string;
  merchant_trans_id: string;
  amount: string;
  card_type?: 'uzcard' | 'humo';
  /** Masked; of a payment by card token. */
  card_number?: string;
  /** Sandbox time. */
  created_at_ms: number;
  merchant_prepare_id: string | null;
  merchant_confirm_id: string | null;
  money: 'none' | 'debited' | 'returned';
  /** `unclear`: stopped half way; `investigation`: money was taken and the application did not confirm it. */
  status: 'processing' | 'paid' | 'failed' | 'unclear' | 'investigation' | 'reversed';
  /** Given back by reversals, in tiyin. */
  reversed_tiyin: number;
  error?: SimProviderError;
  steps: SimProviderStep[];
  complaints: string[];
};

export type SimClickPayResult = {
  status: SimClickPayment['status'] | 'refused';
  error?: SimProviderError;
  payment: SimClickPayment | null;
  steps: SimProviderStep[];
  redirect_url?: string;
};

/*
 * Payme and Click: what their pages do, without a browser. `url` is a pay link of the application (any host, the path counts).
 *
 * POST   /sim/payme/check    { url }                 -> SimPaymeCheck    (opens the link: CheckPerformTransaction)
 * POST   /sim/payme/pay      { url, card?, expire?, sms?, stop_after?: 'create'|'debit' } -> SimPaymePayResult
 *                                                       (card: a test card, else a good one; sms: else 666666; answers when all is done.
 *                                                       stop_after: the payment is left there, so that twelve hours later it runs out)
 * GET    /sim/payme/transactions?limit=&account=     -> SimPaymeTransaction[] (newest first; account: value of any account field)
 * GET    /sim/payme/transactions/:id                 -> SimPaymeTransaction
 * POST   /sim/payme/transactions/:id/resume          -> SimPaymeTransaction (goes on with one that is unclear)
 * POST   /sim/payme/transactions/:id/refund          -> SimPaymeTransaction (CancelTransaction reason 5; still `paid` and with `error` when refused)
 * POST   /sim/payme/transactions/:id/check           -> { answer, differences: SimPaymeDifference[] } (CheckTransaction)
 * POST   /sim/payme/statement { from?, to? }         -> SimPaymeStatement (the last 30 days when absent; ms)
 * POST   /sim/click/pay      { url, outcome?: 'paid'|'insufficient_funds'|'cancelled'|'lost_answer'|'error'|'stop_after_prepare', error?, card_type?, large_ids? }
 *                                                    -> SimClickPayResult (error: the negative code of outcome `error`; card_type and large_ids overrule link and options)
 * GET    /sim/click/payments?limit=&order=           -> SimClickPayment[] (newest first)
 * GET    /sim/click/payments/:clickTransId           -> SimClickPayment
 * POST   /sim/click/payments/:clickTransId/complete  -> SimClickPayment  (sends Complete again for one that is unclear or under investigation)
 * POST   /sim/click/payments/:clickTransId/return    -> SimClickPayment  (support gives the money back by hand; nobody is told)
 * GET    /sim/click/investigations                   -> SimClickPayment[]
 *
 * Stored cards. `declines: null` makes a card good again.
 *
 * GET    /sim/payme/cards                            -> SimPaymeCard[]   (newest first)
 * PATCH  /sim/payme/cards/:id { declines: 'blocked'|'insufficient_funds'|null } -> SimPaymeCard
 * GET    /sim/payme/receipts?limit=&account=         -> SimPaymeReceipt[] (newest first)
 * GET    /sim/payme/receipts/:id                     -> SimPaymeReceipt
 * GET    /sim/click/cards                            -> SimClickCard[]   (newest first)
 * PATCH  /sim/click/cards/:cardToken { declines: 'blocked'|'insufficient_funds'|null } -> SimClickCard
 */
