import { z } from 'zod';
import type { ProviderEntry } from '#domain/provider/contract.ts';
import { defineEnvGroup, envText, toPreviousSecret } from '#lib/env-group.ts';
import { makePayme } from './adapter.ts';

const addresses = z
  .string()
  .regex(
    /^[0-9a-fA-F.:]+(\s*,\s*[0-9a-fA-F.:]+)*$/,
    'must be addresses separated by commas, like 185.234.113.1,185.234.113.2.',
  )
  .transform((value) => value.split(',').map((address) => address.trim()));

const variables = defineEnvGroup({
  variables: {
    PAYME_MERCHANT_ID: z
      .string()
      .regex(/^[0-9a-f]{24}$/, 'must be the 24 hex digits of the cash register.')
      .optional(),
    PAYME_KEY: envText.secret.optional(),
    PAYME_KEY_PREVIOUS: envText.secret.optional(),
    PAYME_KEY_PREVIOUS_UNTIL: envText.instant.optional(),
    PAYME_CHECKOUT_URL: envText.address.default('https://checkout.paycom.uz'),
    PAYME_API_URL: envText.address.default('https://checkout.paycom.uz/api'),
    PAYME_SUBSCRIBE: envText.flag.default(false),
    PAYME_ALLOWED_ADDRESSES: addresses.optional(),
    PAYME_FEE_BPS: envText.basisPoints.default(0),
  },
  needed: ['PAYME_MERCHANT_ID', 'PAYME_KEY'],
  secrets: ['PAYME_KEY'],
  sandbox: {
    PAYME_MERCHANT_ID: '686f7368692d73616e64626f',
    PAYME_KEY: 'HoshiSandboxPaymeKey0000000000000000',
    PAYME_SUBSCRIBE: 'true',
    // So that where the money goes shows more than one part.
    PAYME_FEE_BPS: '200',
  },
  sandboxPaths: { PAYME_CHECKOUT_URL: '/payme', PAYME_API_URL: '/payme/api' },
});

/** Payme, by the variables PAYME_…. */
export const payme: ProviderEntry = {
  id: 'payme',
  variables,
  cardEndpoint(source) {
    const values = variables.read(source);
    return values?.PAYME_SUBSCRIBE ? values.PAYME_API_URL : null;
  },
  make(source, { onPreviousSecret: onPrevious }) {
    const values = variables.read(source);
    if (!values?.PAYME_KEY || !values.PAYME_MERCHANT_ID) return null;
    const previous = toPreviousSecret(values.PAYME_KEY_PREVIOUS, values.PAYME_KEY_PREVIOUS_UNTIL);
    return makePayme({
      merchantId: values.PAYME_MERCHANT_ID,
      keys: {
        current: values.PAYME_KEY,
        previous: previous && { key: previous.secret, until: previous.until },
        onPrevious,
      },
      checkoutUrl: values.PAYME_CHECKOUT_URL,
      apiUrl: values.PAYME_API_URL,
      subscribe: values.PAYME_SUBSCRIBE,
      allowedAddresses: values.PAYME_ALLOWED_ADDRESSES ?? null,
      feeBps: values.PAYME_FEE_BPS,
    });
  },
};
