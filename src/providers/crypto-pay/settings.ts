import { z } from 'zod';
import type { ProviderEntry } from '#domain/provider/contract.ts';
import { defineEnvGroup, envText, toPreviousSecret } from '#lib/env-group.ts';
import { makeCryptoPay } from './adapter.ts';

const token = z
  .string()
  .regex(/^\d{1,12}:[\w-]{20,64}$/, 'must be the token of the app, like 123456789:AA…, from @CryptoBot.');

const variables = defineEnvGroup({
  variables: {
    CRYPTO_PAY_TOKEN: token.optional(),
    CRYPTO_PAY_TOKEN_PREVIOUS: token.optional(),
    CRYPTO_PAY_TOKEN_PREVIOUS_UNTIL: envText.instant.optional(),
    CRYPTO_PAY_API_URL: envText.address.default('https://pay.crypt.bot'),
    CRYPTO_PAY_FEE_BPS: envText.basisPoints.default(0),
    CRYPTO_PAY_REPLAY_WINDOW_SECONDS: envText.wholeNumber(60, 604_800).default(600),
  },
  needed: ['CRYPTO_PAY_TOKEN'],
  secrets: ['CRYPTO_PAY_TOKEN'],
  sandbox: { CRYPTO_PAY_TOKEN: '90004:AAHoshiSandboxCryptoPayToken00000', CRYPTO_PAY_FEE_BPS: '300' },
  sandboxPaths: { CRYPTO_PAY_API_URL: '/crypto-pay' },
});

/** Crypto Pay, by the variables CRYPTO_PAY_…. Its token is also what its webhooks are signed with. */
export const cryptoPay: ProviderEntry = {
  id: 'crypto-pay',
  variables,
  make(source, { clock, onPreviousSecret: onPrevious }) {
    const values = variables.read(source);
    if (!values?.CRYPTO_PAY_TOKEN) return null;
    return makeCryptoPay({
      tokens: {
        current: values.CRYPTO_PAY_TOKEN,
        previous: toPreviousSecret(values.CRYPTO_PAY_TOKEN_PREVIOUS, values.CRYPTO_PAY_TOKEN_PREVIOUS_UNTIL),
        onPrevious,
      },
      apiUrl: values.CRYPTO_PAY_API_URL,
      feeBps: values.CRYPTO_PAY_FEE_BPS,
      replayWindowMs: values.CRYPTO_PAY_REPLAY_WINDOW_SECONDS * 1_000,
      clock,
    });
  },
};
