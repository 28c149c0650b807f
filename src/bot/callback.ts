import { z } from 'zod';
import { Language } from '#domain/identity/rules.ts';
import { METHODS, type Method } from '#domain/provider/capability.ts';

/** Telegram's limit for the data of a button (telegram.md §1.6). */
export const CALLBACK_DATA_MAX_BYTES = 64;

/** Buttons live in chats for years: a codec that changes its meaning takes a new version, and old buttons are answered kindly. */
const VERSION = '1';
const SEPARATOR = ':';

const ProviderId = z.string().regex(/^[a-z][a-z-]{0,19}$/);
const Id = z.string().regex(/^[a-z]{2,4}_[0-9a-z_]{1,44}$/);

/** Methods beside a provider's name, where their own would not fit. */
export const METHOD_CODES = {
  telegram_stars: 's',
  credit_card: 'c',
  bank_transfer: 'b',
  digital_wallet: 'w',
  cryptocurrency: 'x',
} as const satisfies Record<Method, string>;
type MethodCode = (typeof METHOD_CODES)[Method];

/** What the buttons under our messages ask for, and with which arguments. */
type ActionArgs = {
  buy: [];
  product: [productId: string];
  plan: [planId: string];
  price: [priceId: string];
  /** By the first provider that can: Stars, and buttons from before several providers took a method. */
  pay: [priceId: string, method: Method];
  payBy: [priceId: string, method: MethodCode, providerId: string];
  cancelOrder: [invoiceId: string];
  subscription: [];
  askCancel: [subscriptionId: string];
  cancel: [subscriptionId: string];
  resume: [subscriptionId: string];
  history: [];
  help: [page: HelpPage];
  support: [];
  askRefund: [paymentId: string];
  languages: [];
  language: [language: Language];
  settings: [];
  reminders: [choice: 'on' | 'off'];
  sales: [choice: 'on' | 'off'];
};

export type Action = keyof ActionArgs;
/** A pressed button: its action and checked arguments. */
export type Press<Name extends Action = Action> = { [Each in Name]: { action: Each; args: ActionArgs[Each] } }[Name];

export const HELP_PAGES = ['menu', 'faq', 'guides', 'buying', 'renewing', 'receipts', 'notices'] as const;
export type HelpPage = (typeof HELP_PAGES)[number];

const Nothing = z.tuple([]);
const OneId = z.tuple([Id]);
const Choice = z.tuple([z.enum(['on', 'off'])]);

/** Each action's code in the data, never reused for another meaning, and the shape of its arguments. */
const ACTIONS: { [Name in Action]: { code: string; args: z.ZodType<ActionArgs[Name]> } } = {
  buy: { code: 'b', args: Nothing },
  product: { code: 'o', args: OneId },
  plan: { code: 'l', args: OneId },
  price: { code: 'r', args: OneId },
  pay: { code: 'p', args: z.tuple([Id, z.enum(METHODS)]) },
  payBy: { code: 'P', args: z.tuple([Id, z.enum(METHOD_CODES), ProviderId]) },
  cancelOrder: { code: 'x', args: OneId },
  subscription: { code: 's', args: Nothing },
  askCancel: { code: 'c', args: OneId },
  cancel: { code: 'C', args: OneId },
  resume: { code: 'R', args: OneId },
  history: { code: 'h', args: Nothing },
  help: { code: '?', args: z.tuple([z.enum(HELP_PAGES)]) },
  support: { code: 'q', args: Nothing },
  askRefund: { code: 'f', args: OneId },
  languages: { code: 'G', args: Nothing },
  language: { code: 'g', args: z.tuple([Language]) },
  settings: { code: 't', args: Nothing },
  reminders: { code: 'm', args: Choice },
  sales: { code: 'e', args: Choice },
};

const BY_CODE = new Map(Object.entries(ACTIONS).map(([action, { code, args }]) => [code, { action, args }]));

/**
 * The callback data of a button. Throws a RangeError when it would not fit into Telegram's 64 bytes or an argument is
 * not what the action takes: a mistake of ours, found by the tests that draw every button.
 */
export function encodePress<Name extends Action>(action: Name, ...args: ActionArgs[Name]): string {
  const data = [VERSION, ACTIONS[action].code, ...args].join(SEPARATOR);
  if (Buffer.byteLength(data) > CALLBACK_DATA_MAX_BYTES || !decodePress(data))
    throw new RangeError(`not a button: ${data}`);
  return data;
}

/** What a button's data means, or null when it is not ours, damaged, or from another version. */
export function decodePress(data: string): Press | null {
  const [version, code = '', ...given] = data.split(SEPARATOR);
  const known = BY_CODE.get(code);
  if (version !== VERSION || !known) return null;
  const args = known.args.safeParse(given);
  // The table ties each action to its arguments; TypeScript cannot follow the lookup by code.
  return args.success ? ({ action: known.action, args: args.data } as Press) : null;
}
