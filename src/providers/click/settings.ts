import type { ProviderEntry } from '#domain/provider/contract.ts';
import { defineEnvGroup, envText, toPreviousSecret } from '#lib/env-group.ts';
import { makeClick } from './adapter.ts';
import { cardTokenUrl } from './card-token.ts';

const variables = defineEnvGroup({
  variables: {
    CLICK_SERVICE_ID: envText.digits.optional(),
    CLICK_MERCHANT_ID: envText.digits.optional(),
    CLICK_MERCHANT_USER_ID: envText.digits.optional(),
    CLICK_SECRET_KEY: envText.secret.optional(),
    CLICK_SECRET_KEY_PREVIOUS: envText.secret.optional(),
    CLICK_SECRET_KEY_PREVIOUS_UNTIL: envText.instant.optional(),
    CLICK_CHECKOUT_URL: envText.address.default('https://my.click.uz'),
    CLICK_API_URL: envText.address.default('https://api.click.uz'),
    CLICK_STORED_CARDS: envText.flag.default(false),
    CLICK_FEE_BPS: envText.basisPoints.default(0),
  },
  needed: ['CLICK_SERVICE_ID', 'CLICK_MERCHANT_ID', 'CLICK_MERCHANT_USER_ID', 'CLICK_SECRET_KEY'],
  secrets: ['CLICK_SECRET_KEY'],
  sandbox: {
    CLICK_SERVICE_ID: '90001',
    CLICK_MERCHANT_ID: '90002',
    CLICK_MERCHANT_USER_ID: '90003',
    CLICK_SECRET_KEY: 'HoshiSandboxClickSecret',
    CLICK_STORED_CARDS: 'true',
    CLICK_FEE_BPS: '100',
  },
  sandboxPaths: { CLICK_CHECKOUT_URL: '/click', CLICK_API_URL: '/click' },
});

/** Click, by the variables CLICK_…. */
export const click: ProviderEntry = {
  id: 'click',
  variables,
  cardEndpoint(source) {
    const values = variables.read(source);
    return values?.CLICK_STORED_CARDS ? cardTokenUrl(values.CLICK_API_URL) : null;
  },
  make(source, { clock, onPreviousSecret: onPrevious }) {
    const values = variables.read(source);
    if (!values) return null;
    const { CLICK_MERCHANT_ID, CLICK_MERCHANT_USER_ID, CLICK_SECRET_KEY, CLICK_SERVICE_ID } = values;
    if (!CLICK_SERVICE_ID || !CLICK_MERCHANT_ID || !CLICK_MERCHANT_USER_ID || !CLICK_SECRET_KEY) return null;
    return makeClick({
      serviceId: CLICK_SERVICE_ID,
      merchantId: CLICK_MERCHANT_ID,
      merchantUserId: CLICK_MERCHANT_USER_ID,
      secrets: {
        current: CLICK_SECRET_KEY,
        previous: toPreviousSecret(values.CLICK_SECRET_KEY_PREVIOUS, values.CLICK_SECRET_KEY_PREVIOUS_UNTIL),
        onPrevious,
      },
      checkoutUrl: values.CLICK_CHECKOUT_URL,
      apiUrl: values.CLICK_API_URL,
      storedCards: values.CLICK_STORED_CARDS,
      feeBps: values.CLICK_FEE_BPS,
      clock,
    });
  },
};
