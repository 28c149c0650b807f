/** A card as it is typed: digits only, the date as MMYY. It is handed to its provider and kept nowhere. */
export type Card = Readonly<{ number: string; expiry: string }>;

/** Where the provider takes a card's data, and by which public id it knows us. */
export type CardClient = Readonly<{ endpoint: string; publicId: string }>;

/** Why a provider did not take what was typed. Each has one sentence, under `adding.failure`. */
export type CardFailure =
  | 'card_wrong'
  | 'card_unusable'
  | 'code_wrong'
  | 'code_over'
  | 'too_many'
  | 'no_sms'
  | 'refused'
  | 'unavailable';

/** Thrown by a keeper. Holds nothing of the card. */
export class CardRefusal extends Error {
  readonly failure: CardFailure;

  constructor(failure: CardFailure) {
    super(failure);
    this.name = 'CardRefusal';
    this.failure = failure;
  }
}

/** A card that was taken; a code is on its way to its owner's phone. */
export type Sent = Readonly<{
  token: string;
  /** Masked, as the provider shows it; null when it does not. */
  phone: string | null;
  /** Milliseconds until another code may be asked for. */
  waitMs: number;
}>;

/** What our server is told at the end: a token that is good, with the code where the server is to show it to the provider. */
export type Kept = Readonly<{ token: string; code: string | null }>;

/** How a provider takes a card from this browser. All calls throw CardRefusal and go to the provider alone. */
export type CardKeeper = Readonly<{
  begin: (client: CardClient, card: Card) => Promise<Sent>;
  /** Null where another code means beginning again. */
  resend: ((client: CardClient, token: string) => Promise<Sent>) | null;
  finish: (client: CardClient, token: string, code: string) => Promise<Kept>;
}>;

const TIMEOUT_MS = 30_000;

/** Posts JSON to a provider and reads its JSON answer. Throws CardRefusal `unavailable` when there is none. */
export async function postJson(url: string, body: object, headers: Readonly<Record<string, string>>): Promise<unknown> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      credentials: 'omit',
      cache: 'no-store',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return await response.json();
  } catch {
    // The error of a failed request may hold its address and nothing more; neither is of use to anyone here.
    throw new CardRefusal('unavailable');
  }
}

export function onlyDigits(typed: string): string {
  return typed.replace(/\D/g, '');
}

const NUMBER_DIGITS = { min: 12, max: 19 };

/** "8600 0691 9540 6311" of what is typed: groups of four, as on the card. */
export function formatNumber(typed: string): string {
  const digits = onlyDigits(typed).slice(0, NUMBER_DIGITS.max);
  return digits.replace(/(\d{4})(?=\d)/g, '$1 ');
}

/** "03/27" of what is typed. A first digit above 1 is a month by itself. */
export function formatExpiry(typed: string): string {
  const digits = onlyDigits(typed);
  const padded = (/^[2-9]/.test(digits) ? `0${digits}` : digits).slice(0, 4);
  return padded.length > 2 ? `${padded.slice(0, 2)}/${padded.slice(2)}` : padded;
}

/** The card of what was typed, or null while it cannot be one. */
export function readCard(typed: { number: string; expiry: string }): Card | null {
  const number = onlyDigits(typed.number);
  const expiry = onlyDigits(typed.expiry);
  const isLong = number.length >= NUMBER_DIGITS.min && number.length <= NUMBER_DIGITS.max;
  return isLong && /^(0[1-9]|1[0-2])\d{2}$/.test(expiry) ? { number, expiry } : null;
}

/** Whether the check digit of a number fits (ISO/IEC 7812-1, annex B). A hint only: the provider decides. */
export function hasCheckDigit(typed: string): boolean {
  const sum = [...onlyDigits(typed)].reverse().reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 === 0 ? 1 : 2);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
