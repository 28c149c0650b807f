import { z } from 'zod';
import type { ProviderEntry } from '#domain/provider/contract.ts';
import { defineEnvGroup, envText, toPreviousSecret } from '#lib/env-group.ts';
import { makeBtcpay } from './adapter.ts';
import { SPEED_POLICIES } from './wire.ts';

const variables = defineEnvGroup({
  variables: {
    // Without a default: there are as many servers as operators.
    BTCPAY_URL: envText.address.optional(),
    BTCPAY_STORE_ID: z
      .string()
      .regex(/^[0-9A-Za-z]{8,64}$/, 'must be the id of the store, from its settings.')
      .optional(),
    BTCPAY_API_KEY: envText.secret.optional(),
    BTCPAY_WEBHOOK_SECRET: envText.secret.optional(),
    BTCPAY_WEBHOOK_SECRET_PREVIOUS: envText.secret.optional(),
    BTCPAY_WEBHOOK_SECRET_PREVIOUS_UNTIL: envText.instant.optional(),
    BTCPAY_SPEED_POLICY: z
      .enum(SPEED_POLICIES, { error: `must be one of ${SPEED_POLICIES.join(', ')}.` })
      .default('MediumSpeed'),
    BTCPAY_MONITORING_MINUTES: envText.wholeNumber(60, 10_080).default(1_440),
  },
  needed: ['BTCPAY_URL', 'BTCPAY_STORE_ID', 'BTCPAY_API_KEY', 'BTCPAY_WEBHOOK_SECRET'],
  secrets: ['BTCPAY_API_KEY', 'BTCPAY_WEBHOOK_SECRET'],
  sandbox: {
    BTCPAY_STORE_ID: 'HoshiSandboxStore00000000000000000000000000000',
    BTCPAY_API_KEY: 'HoshiSandboxBtcpayApiKey0000000000000000',
    BTCPAY_WEBHOOK_SECRET: 'HoshiSandboxBtcpayWebhookSecret',
  },
  sandboxPaths: { BTCPAY_URL: '/btcpay' },
});

/** BTCPay Server, by the variables BTCPAY_…. */
export const btcpay: ProviderEntry = {
  id: 'btcpay',
  variables,
  make(source, { clock, onPreviousSecret: onPrevious }) {
    const values = variables.read(source);
    if (!values) return null;
    const { BTCPAY_API_KEY, BTCPAY_STORE_ID, BTCPAY_URL, BTCPAY_WEBHOOK_SECRET } = values;
    if (!BTCPAY_URL || !BTCPAY_STORE_ID || !BTCPAY_API_KEY || !BTCPAY_WEBHOOK_SECRET) return null;
    return makeBtcpay({
      url: BTCPAY_URL,
      storeId: BTCPAY_STORE_ID,
      apiKey: BTCPAY_API_KEY,
      secrets: {
        current: BTCPAY_WEBHOOK_SECRET,
        previous: toPreviousSecret(values.BTCPAY_WEBHOOK_SECRET_PREVIOUS, values.BTCPAY_WEBHOOK_SECRET_PREVIOUS_UNTIL),
        onPrevious,
      },
      speedPolicy: values.BTCPAY_SPEED_POLICY,
      monitoringMinutes: values.BTCPAY_MONITORING_MINUTES,
      clock,
    });
  },
};
