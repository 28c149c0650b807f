import { z } from 'zod';
import type { ProviderEntry } from '#domain/provider/contract.ts';
import { defineEnvGroup, envText, toPreviousSecret } from '#lib/env-group.ts';
import { makeStripe } from './adapter.ts';
import { BANK_COUNTRIES } from './requests.ts';

const key = z
  .string()
  .regex(/^[rs]k_(live|test)_[A-Za-z0-9]{10,250}$/, 'must be a secret or restricted key, like sk_live_….');
const signingSecret = z.string().regex(/^whsec_[\x21-\x7e]{8,250}$/, 'must be the endpoint’s signing secret, whsec_….');

const variables = defineEnvGroup({
  variables: {
    STRIPE_SECRET_KEY: key.optional(),
    STRIPE_WEBHOOK_SECRET: signingSecret.optional(),
    STRIPE_WEBHOOK_SECRET_PREVIOUS: signingSecret.optional(),
    STRIPE_WEBHOOK_SECRET_PREVIOUS_UNTIL: envText.instant.optional(),
    // The SDK takes a host and no path before its own.
    STRIPE_API_URL: envText.address
      .refine((value) => new URL(value).pathname === '/', 'must be an address without a path.')
      .default('https://api.stripe.com'),
    STRIPE_BANK_COUNTRY: z.enum(BANK_COUNTRIES, `must be one of ${BANK_COUNTRIES.join(', ')}.`).default('DE'),
  },
  needed: ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'],
  secrets: ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'],
  sandbox: {
    STRIPE_SECRET_KEY: 'sk_test_HoshiSandboxStripe0000000000',
    STRIPE_WEBHOOK_SECRET: 'whsec_HoshiSandboxStripeSecret0000',
  },
  sandboxPaths: { STRIPE_API_URL: '' },
});

/** Stripe, by the variables STRIPE_…. */
export const stripe: ProviderEntry = {
  id: 'stripe',
  variables,
  make(source, { clock, onPreviousSecret: onPrevious, warn }) {
    const values = variables.read(source);
    if (!values?.STRIPE_SECRET_KEY || !values.STRIPE_WEBHOOK_SECRET) return null;
    return makeStripe({
      secretKey: values.STRIPE_SECRET_KEY,
      apiUrl: values.STRIPE_API_URL,
      secrets: {
        current: values.STRIPE_WEBHOOK_SECRET,
        previous: toPreviousSecret(values.STRIPE_WEBHOOK_SECRET_PREVIOUS, values.STRIPE_WEBHOOK_SECRET_PREVIOUS_UNTIL),
        onPrevious,
      },
      bankCountry: values.STRIPE_BANK_COUNTRY,
      onOtherVersion: (version) =>
        warn('webhooks come in another API version than the SDK’s: set the endpoint’s', version),
      onFraudWarning: (chargeId) =>
        warn('a card company says that a charge is fraud: refund it before it is disputed, or leave it', chargeId),
      clock,
    });
  },
};
