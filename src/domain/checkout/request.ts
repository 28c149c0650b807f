import type { OrderDetails } from '#domain/checkout/details.ts';
import type { LoadedCheckout, LoadedPrice } from '#domain/checkout/load.ts';
import type { Language } from '#domain/identity/rules.ts';
import type { Method, Surface } from '#domain/provider/capability.ts';

export type StartRequest = Readonly<{
  userId: string;
  priceId: string;
  surface: Surface;
  method: Method;
  /** Only this one of the providers that take the method. */
  providerId?: string;
  /** Language of the texts that the provider shows. */
  language: Language;
  /** Deliver the invoice into this Telegram chat instead of returning a link. */
  chatId?: bigint;
  /** The provider's token of a stored payment method, to be charged without its page. Needs `providerId`. */
  token?: string;
  /** Asked for by whoever holds the order's link. */
  isByLink?: boolean;
  /** What a server with an API key may set otherwise than the catalogue. */
  terms?: Readonly<{ platformFeeBps?: number; expiresInMinutes?: number }>;
  /** False: its record is not delivered to the buyer's log. */
  isLogged?: boolean;
  /** What the seller's server says of it to the buyer; an order that was open before keeps what was said first. */
  details?: OrderDetails;
  /** Versions of the texts under which a person orders; written down with the order. */
  agreesTo?: Agreement;
}>;

/** The versions of the texts that were shown beside the button. */
export type Agreement = Readonly<{ terms: string; privacy: string }>;

/** An order that can be paid now. `url` is null when it was delivered into the chat. */
export type OpenInvoice = Readonly<{
  invoiceId: string;
  providerId: string;
  url: string | null;
  expiresAt: Date;
  isResumed: boolean;
  /** The platform's part of this order, which an order that was open before keeps. */
  platformFeeBps: number;
  /** Whether its record is delivered, which an order that was open before keeps too. */
  isLogged: boolean;
  /** Providers that come first and could not be used: they do not answer at present. */
  passedOver: ReadonlyArray<string>;
}>;

/** The checkout with the price that is bought. */
export type Bought = Readonly<{ loaded: LoadedCheckout; price: LoadedPrice }>;
