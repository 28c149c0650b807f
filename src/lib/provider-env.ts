import { z } from 'zod';

/*
 * The configuration of the providers beside Telegram. Each is a group: without any of its variables the provider is not
 * offered; with some of them the rest is asked for. The sandbox has public values for all.
 */

/** A secret that is being replaced is accepted until a day; null when no rotation is under way. */
export type PreviousSecret = Readonly<{ secret: string; until: Date }> | null;

export type ProviderEnv = Readonly<{
  payme: Readonly<{
    merchantId: string;
    key: string;
    previousKey: PreviousSecret;
    checkoutUrl: string;
    apiUrl: string;
    /** Whether the cash register may use the Subscribe API. */
    subscribe: boolean;
    /** Addresses that Payme may call from; null: any. */
    allowedAddresses: ReadonlyArray<string> | null;
    feeBps: number;
  }> | null;
  click: Readonly<{
    serviceId: string;
    merchantId: string;
    merchantUserId: string;
    secretKey: string;
    previousSecretKey: PreviousSecret;
    checkoutUrl: string;
    apiUrl: string;
    feeBps: number;
    /** Whether the service may charge cards by a token. */
    storedCards: boolean;
  }> | null;
}>;

type Source = Readonly<Record<string, string | undefined>>;
type Problem = { variable: string; message: string };

const digits = z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number, as the provider gave it.');
const visible = z.string().regex(/^[\x21-\x7e]{8,256}$/, 'must be 8 to 256 visible ASCII characters.');
const basisPoints = z
  .string()
  .regex(/^\d{1,4}$/, 'must be basis points, 0 to 9999 (200 = 2 %).')
  .transform(Number);
const host = z
  .string()
  .refine(
    (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
    'must be an address, like https://checkout.paycom.uz.',
  )
  .transform((value) => value.replace(/\/+$/, ''));
const flag = z
  .enum(['true', 'false', '1', '0'], { error: 'must be true or false.' })
  .transform((value) => value === 'true' || value === '1');
const instant = z.iso
  .datetime({ offset: true, error: 'must be an instant with its zone, like 2026-12-01T00:00:00Z.' })
  .transform((value) => new Date(value));
const addresses = z
  .string()
  .regex(
    /^[0-9a-fA-F.:]+(\s*,\s*[0-9a-fA-F.:]+)*$/,
    'must be addresses separated by commas, like 185.234.113.1,185.234.113.2.',
  )
  .transform((value) => value.split(',').map((address) => address.trim()));

/** What each variable must look like when it is set. */
export const PROVIDER_VARIABLES = {
  PAYME_MERCHANT_ID: z
    .string()
    .regex(/^[0-9a-f]{24}$/, 'must be the 24 hex digits of the cash register.')
    .optional(),
  PAYME_KEY: visible.optional(),
  PAYME_KEY_PREVIOUS: visible.optional(),
  PAYME_KEY_PREVIOUS_UNTIL: instant.optional(),
  PAYME_CHECKOUT_URL: host.optional(),
  PAYME_ALLOWED_ADDRESSES: addresses.optional(),
  PAYME_FEE_BPS: basisPoints.optional(),
  PAYME_API_URL: host.optional(),
  PAYME_SUBSCRIBE: flag.optional(),
  CLICK_SERVICE_ID: digits.optional(),
  CLICK_MERCHANT_ID: digits.optional(),
  CLICK_MERCHANT_USER_ID: digits.optional(),
  CLICK_SECRET_KEY: visible.optional(),
  CLICK_SECRET_KEY_PREVIOUS: visible.optional(),
  CLICK_SECRET_KEY_PREVIOUS_UNTIL: instant.optional(),
  CLICK_CHECKOUT_URL: host.optional(),
  CLICK_API_URL: host.optional(),
  CLICK_FEE_BPS: basisPoints.optional(),
  CLICK_STORED_CARDS: flag.optional(),
};
const shape = z.object(PROVIDER_VARIABLES);
type Variables = z.output<typeof shape>;

/** Public values of the sandbox's providers; live mode refuses those that stand for a secret. */
export const SANDBOX_PROVIDER_VALUES = {
  PAYME_MERCHANT_ID: '686f7368692d73616e64626f',
  PAYME_KEY: 'HoshiSandboxPaymeKey0000000000000000',
  CLICK_SERVICE_ID: '90001',
  CLICK_MERCHANT_ID: '90002',
  CLICK_MERCHANT_USER_ID: '90003',
  CLICK_SECRET_KEY: 'HoshiSandboxClickSecret',
} as const;
const SANDBOX_SECRETS = ['PAYME_KEY', 'CLICK_SECRET_KEY'] as const;

/** Defaults in sandbox mode: every provider is there, at `sandboxUrl`. */
export function sandboxProviderDefaults(sandboxUrl: string): Source {
  return {
    ...SANDBOX_PROVIDER_VALUES,
    // So that where the money goes shows more than one part.
    PAYME_FEE_BPS: '200',
    CLICK_FEE_BPS: '100',
    PAYME_CHECKOUT_URL: `${sandboxUrl}/payme`,
    PAYME_API_URL: `${sandboxUrl}/payme/api`,
    PAYME_SUBSCRIBE: 'true',
    CLICK_CHECKOUT_URL: `${sandboxUrl}/click`,
    CLICK_API_URL: `${sandboxUrl}/click`,
    CLICK_STORED_CARDS: 'true',
  };
}

/** What a provider needs once one of its variables is set. */
const GROUPS = {
  PAYME: ['PAYME_MERCHANT_ID', 'PAYME_KEY'],
  CLICK: ['CLICK_SERVICE_ID', 'CLICK_MERCHANT_ID', 'CLICK_MERCHANT_USER_ID', 'CLICK_SECRET_KEY'],
} as const;

/** What must not be mixed into sandbox mode: a provider's real secret. */
export function sandboxProviderProblems(given: Source): Problem[] {
  return SANDBOX_SECRETS.filter(
    (variable) => given[variable] !== undefined && given[variable] !== SANDBOX_PROVIDER_VALUES[variable],
  ).map((variable) => ({
    variable,
    message: 'is a real key while the sandbox is on. Unset it: the sandbox never runs with real keys.',
  }));
}

/** What is missing or must not be there in live mode. */
export function liveProviderProblems(given: Source): Problem[] {
  const problems: Problem[] = [];
  for (const [prefix, needed] of Object.entries(GROUPS)) {
    const isUsed = Object.keys(PROVIDER_VARIABLES).some(
      (name) => name.startsWith(`${prefix}_`) && given[name] !== undefined,
    );
    for (const variable of needed)
      if (isUsed && given[variable] === undefined)
        problems.push({ variable, message: 'is missing. Set it, or unset the others of this provider.' });
  }
  for (const variable of SANDBOX_SECRETS)
    if (given[variable] === SANDBOX_PROVIDER_VALUES[variable])
      problems.push({ variable, message: 'is the sandbox’s public value, which anyone can read. Set your own.' });
  return problems;
}

/** A secret that is being replaced is accepted for a stated time only: a rotation without an end is a second secret. */
export function providerRotationProblems(values: Variables): Problem[] {
  const rotations = [
    ['PAYME_KEY_PREVIOUS', values.PAYME_KEY_PREVIOUS, values.PAYME_KEY_PREVIOUS_UNTIL],
    ['CLICK_SECRET_KEY_PREVIOUS', values.CLICK_SECRET_KEY_PREVIOUS, values.CLICK_SECRET_KEY_PREVIOUS_UNTIL],
  ] as const;
  return rotations.flatMap(([name, secret, until]) => {
    if ((secret === undefined) === (until === undefined)) return [];
    return secret === undefined
      ? [{ variable: name, message: 'is missing while its end is set. Set it or unset the end.' }]
      : [{ variable: `${name}_UNTIL`, message: 'is missing. Say until when the previous one is accepted.' }];
  });
}

const previous = (secret: string | undefined, until: Date | undefined): PreviousSecret =>
  secret !== undefined && until !== undefined ? { secret, until } : null;

/** The checked groups; null for a provider that is not set up. */
export function toProviderEnv(values: Variables): ProviderEnv {
  const { PAYME_KEY, PAYME_MERCHANT_ID } = values;
  const { CLICK_MERCHANT_ID, CLICK_MERCHANT_USER_ID, CLICK_SECRET_KEY, CLICK_SERVICE_ID } = values;
  return {
    payme:
      PAYME_KEY && PAYME_MERCHANT_ID
        ? {
            merchantId: PAYME_MERCHANT_ID,
            key: PAYME_KEY,
            previousKey: previous(values.PAYME_KEY_PREVIOUS, values.PAYME_KEY_PREVIOUS_UNTIL),
            checkoutUrl: values.PAYME_CHECKOUT_URL ?? 'https://checkout.paycom.uz',
            apiUrl: values.PAYME_API_URL ?? 'https://checkout.paycom.uz/api',
            subscribe: values.PAYME_SUBSCRIBE ?? false,
            allowedAddresses: values.PAYME_ALLOWED_ADDRESSES ?? null,
            feeBps: values.PAYME_FEE_BPS ?? 0,
          }
        : null,
    click:
      CLICK_SERVICE_ID && CLICK_MERCHANT_ID && CLICK_MERCHANT_USER_ID && CLICK_SECRET_KEY
        ? {
            serviceId: CLICK_SERVICE_ID,
            merchantId: CLICK_MERCHANT_ID,
            merchantUserId: CLICK_MERCHANT_USER_ID,
            secretKey: CLICK_SECRET_KEY,
            previousSecretKey: previous(values.CLICK_SECRET_KEY_PREVIOUS, values.CLICK_SECRET_KEY_PREVIOUS_UNTIL),
            checkoutUrl: values.CLICK_CHECKOUT_URL ?? 'https://my.click.uz',
            apiUrl: values.CLICK_API_URL ?? 'https://api.click.uz',
            feeBps: values.CLICK_FEE_BPS ?? 0,
            storedCards: values.CLICK_STORED_CARDS ?? false,
          }
        : null,
  };
}
