import { z } from 'zod';
import { Language } from '#domain/identity/rules.ts';
import { METHODS } from '#domain/provider.ts';

/** Telegram's limit for the data of a button (telegram.md §1.6). */
export const CALLBACK_DATA_MAX_BYTES = 64;

/** Buttons live in chats for years: a codec that changes its meaning takes a new version, and old buttons are answered kindly. */
const VERSION = '1';
const SEPARATOR = ':';

const Id = z.string().regex(/^[a-z]{2,4}_[0-9a-z_]{1,44}$/);
const OnOff = z.enum(['on', 'off']);

/** What the buttons under our messages mean: a short code and its arguments, in order. */
const ACTIONS = {
  buy: { code: 'b', args: [] },
  product: { code: 'o', args: [Id] },
  plan: { code: 'l', args: [Id] },
  price: { code: 'r', args: [Id] },
  pay: { code: 'p', args: [Id, z.enum(METHODS)] },
  cancelOrder: { code: 'x', args: [Id] },
  subscription: { code: 's', args: [] },
  askCancel: { code: 'c', args: [Id] },
  cancel: { code: 'C', args: [Id] },
  resume: { code: 'R', args: [Id] },
  history: { code: 'h', args: [] },
  help: { code: '?', args: [z.enum(['menu', 'faq', 'guides', 'buying', 'renewing', 'receipts', 'notices'])] },
  support: { code: 'q', args: [] },
  askRefund: { code: 'f', args: [Id] },
  languages: { code: 'G', args: [] },
  language: { code: 'g', args: [Language] },
  settings: { code: 't', args: [] },
  reminders: { code: 'm', args: [OnOff] },
  sales: { code: 'e', args: [OnOff] },
} as const satisfies Record<string, { code: string; args: ReadonlyArray<z.ZodType<string>> }>;

export type Action = keyof typeof ACTIONS;
type Args<Name extends Action> = {
  -readonly [Index in keyof (typeof ACTIONS)[Name]['args']]: z.output<(typeof ACTIONS)[Name]['args'][Index]>;
};
/** A pressed button: its action and checked arguments. */
export type Press<Name extends Action = Action> = { [Each in Name]: { action: Each; args: Args<Each> } }[Name];

const BY_CODE = new Map(Object.entries(ACTIONS).map(([action, { code, args }]) => [code as string, { action, args }]));

/**
 * The callback data of a button. Throws a RangeError when it would not fit into Telegram's 64 bytes or an argument is
 * not what the action takes: a mistake of ours, found by the tests that draw every button.
 */
export function encodePress<Name extends Action>(action: Name, ...args: Args<Name>): string {
  const data = [VERSION, ACTIONS[action].code, ...args].join(SEPARATOR);
  if (Buffer.byteLength(data) > CALLBACK_DATA_MAX_BYTES || !decodePress(data)) throw new RangeError(`not a button: ${data}`);
  return data;
}

/** What a button's data means, or null when it is not ours, damaged, or from another version. */
export function decodePress(data: string): Press | null {
  const [version, code = '', ...given] = data.split(SEPARATOR);
  const known = BY_CODE.get(code);
  if (version !== VERSION || !known || given.length !== known.args.length) return null;
  const args = known.args.map((arg, index) => arg.safeParse(given[index]));
  if (args.some((arg) => !arg.success)) return null;
  // The table ties each action to its arguments; TypeScript cannot follow the lookup by code.
  return { action: known.action, args: args.map((arg) => arg.data) } as Press;
}
