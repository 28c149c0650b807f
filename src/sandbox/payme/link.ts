import type { Language } from '../surroundings.ts';

/** What a pay link or form asks for. */
export type Order = {
  /** The cash register. */
  merchant: string;
  /** Tiyin. */
  amount: number;
  account: Record<string, string>;
  language: Language;
  callback?: string;
  /** How long the result stays before the payer is sent back. */
  callbackTimeoutMs: number;
  description?: string;
  /** Fiscal items as the form named them. */
  detail?: unknown;
};

/** A link or form that Payme does not accept; `code` is its own (-31601 register, -31610 field). */
export class LinkError extends Error {
  readonly code: -31601 | -31610;
  readonly field: string;

  constructor(code: -31601 | -31610, field: string, message: string) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

const DEFAULT_CALLBACK_TIMEOUT_MS = 15;
const LONGEST_CALLBACK_TIMEOUT_MS = 600_000;
const LANGUAGES: readonly string[] = ['ru', 'uz', 'en'];
const CURRENCIES: readonly string[] = ['860', 'UZS', 'uzs'];

/**
 * Reads `base64(m=…;ac.<field>=…;a=…;l=…;c=…;ct=…;cr=…)`. Strict, so that a link which the real service might misread is
 * noticed here: canonical base64, known keys, each once.
 *
 * @throws LinkError
 */
export function readLink(base64: string, merchantId: string): Order {
  const given = new Map<string, string>();
  for (const pair of decode(base64).split(';')) {
    const separator = pair.indexOf('=');
    const key = pair.slice(0, separator);
    if (separator < 1 || !/^(m|a|l|c|ct|cr|ac\.\w{1,64})$/.test(key))
      throw wrong(key || pair, 'is not a field of a link');
    if (given.has(key)) throw wrong(key, 'is given twice');
    given.set(key, pair.slice(separator + 1));
  }
  const account = [...given].filter(([key]) => key.startsWith('ac.')).map(([key, value]) => [key.slice(3), value]);
  if (given.has('cr') && !CURRENCIES.includes(given.get('cr') ?? '')) throw wrong('cr', 'is not the soʻm');
  return readOrder({
    merchant: given.get('m'),
    amount: given.get('a'),
    account,
    language: given.get('l'),
    callback: given.get('c'),
    callbackTimeout: given.get('ct'),
    names: { merchant: 'm', amount: 'a', account: 'ac', language: 'l', callback: 'c', callbackTimeout: 'ct' },
    merchantId,
  });
}

/**
 * Reads the fields of a form sent to the checkout. The page it stood on is where the payer goes back to when it names
 * no callback.
 *
 * @throws LinkError
 */
export function readForm(form: URLSearchParams, merchantId: string, referer: string | undefined): Order {
  const account = [...form]
    .map(([key, value]) => [/^account\[(\w{1,64})\]$/.exec(key)?.[1], value] as const)
    .filter((entry): entry is [string, string] => entry[0] !== undefined);
  const language = form.get('lang') ?? 'ru';
  const order = readOrder({
    merchant: form.get('merchant') ?? undefined,
    amount: form.get('amount') ?? undefined,
    account,
    language,
    callback: form.get('callback') ?? referer,
    callbackTimeout: form.get('callback_timeout') ?? undefined,
    names: {
      merchant: 'merchant',
      amount: 'amount',
      account: 'account',
      language: 'lang',
      callback: 'callback',
      callbackTimeout: 'callback_timeout',
    },
    merchantId,
  });
  const description = form.get(`description[${language}]`) ?? form.get('description');
  const detail = form.get('detail');
  if (description !== null) order.description = description;
  if (detail !== null && detail !== '') order.detail = readDetail(detail);
  return order;
}

type GivenField = 'merchant' | 'amount' | 'language' | 'callback' | 'callbackTimeout';
type Given = Record<GivenField, string | undefined> & {
  account: readonly (readonly string[])[];
  names: Readonly<Record<GivenField | 'account', string>>;
  merchantId: string;
};

function readOrder(given: Given): Order {
  const { names, callback } = given;
  if (!/^[0-9a-f]{24}$/.test(given.merchant ?? '')) throw wrong(names.merchant, 'must be 24 hexadecimal digits');
  if (given.merchant !== given.merchantId)
    throw new LinkError(-31601, names.merchant, 'There is no such cash register.');
  const amount = /^[1-9]\d*$/.test(given.amount ?? '') ? Number(given.amount) : 0;
  if (amount === 0 || !Number.isSafeInteger(amount))
    throw wrong(names.amount, 'must be a whole number of tiyin above 0');
  if (given.account.length === 0) throw wrong(names.account, 'is missing');
  for (const [field, value] of given.account) if (value === '') throw wrong(`${names.account}.${field}`, 'is empty');
  const language = given.language ?? 'ru';
  if (!LANGUAGES.includes(language)) throw wrong(names.language, 'must be ru, uz or en');
  if (callback !== undefined && !isWebAddress(callback)) throw wrong(names.callback, 'must be an http(s) address');
  return {
    merchant: given.merchantId,
    amount,
    account: Object.fromEntries(given.account) as Record<string, string>,
    language: language as Language,
    ...(callback === undefined ? {} : { callback }),
    callbackTimeoutMs: readTimeout(given.callbackTimeout, names.callbackTimeout),
  };
}

function readTimeout(text: string | undefined, name: string): number {
  if (text === undefined) return DEFAULT_CALLBACK_TIMEOUT_MS;
  if (!/^\d{1,9}$/.test(text)) throw wrong(name, 'must be a number of milliseconds');
  return Math.min(Number(text), LONGEST_CALLBACK_TIMEOUT_MS);
}

function decode(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  if (base64 === '' || bytes.toString('base64') !== base64) throw wrong('link', 'is not base64');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw wrong('link', 'is not UTF-8');
  }
}

function readDetail(base64: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
  } catch {
    throw wrong('detail', 'is not JSON in base64');
  }
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

function wrong(field: string, words: string): LinkError {
  return new LinkError(-31610, field, `${field} ${words}.`);
}

/** The address the payer goes back to, with `:transaction` ("null" when there is none) and `:account.<field>` filled in. */
export function fillCallback(order: Order, transactionId: string | null): string | null {
  if (order.callback === undefined) return null;
  return order.callback
    .replace(/:account\.(\w+)/g, (all, field: string) => encodeURIComponent(order.account[field] ?? all))
    .replace(/:transaction\b/g, transactionId ?? 'null');
}
