import { createHash } from 'node:crypto';
import type { StoredCard } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { callJson, NoAnswerError } from '#lib/http.ts';
import { readCard } from './card-token.ts';
import { type ClickPayment, readMerchantAnswer, readPayment, toFailure } from './wire.ts';

/** Click's Merchant API as far as we call it. Ids are decimal texts. Each call throws ProviderError. */
export type MerchantApi = Readonly<{
  /** The payment for an order on a day (YYYY-MM-DD in Tashkent), with its status; null when Click knows none. */
  findPayment(merchantTransId: string, day: string): Promise<ClickPayment | null>;
  getPayment(paymentId: string): Promise<ClickPayment>;
  /** `declined` with Click's code when it refuses, also for a payment that was reversed before. */
  reverse(paymentId: string): Promise<void>;
  /**
   * `amount` is so'm with two decimals. Asked twice it is given twice: where it is not known whether it was done this
   * throws `declined PARTIAL_REVERSAL_OUTCOME_UNKNOWN`, so that nothing tries again by itself.
   */
  reversePart(paymentId: string, amount: string): Promise<void>;
  /** Confirms a token with the code of Click's SMS, a number by Click's table. `declined` for a wrong one of either. */
  verifyCard(token: string, code: string): Promise<StoredCard>;
  /** Charges a card. `amount` is so'm with two decimals. After `unavailable` it may be done, but for HTTP_429. */
  chargeCard(charge: { token: string; amount: string; merchantTransId: string }): Promise<ClickPayment>;
  /** `declined` with Click's code when it refuses, also for a token that was deleted before. */
  deleteCard(token: string): Promise<void>;
}>;

const TIMEOUT_MS = 8_000;
/** Not known to be done, and not to be tried again by itself. */
export const OUTCOME_UNKNOWN = 'PARTIAL_REVERSAL_OUTCOME_UNKNOWN';

/** The Merchant API over HTTPS. `apiUrl` is its host without a path; `clock` dates the signature of each call. */
export function makeMerchantApi(options: {
  apiUrl: string;
  serviceId: string;
  merchantUserId: string;
  secretKey: string;
  clock: () => Date;
  timeoutMs?: number;
}): MerchantApi {
  const { apiUrl, clock, merchantUserId, secretKey, serviceId, timeoutMs = TIMEOUT_MS } = options;

  async function call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<unknown> {
    const headers = {
      accept: 'application/json',
      'content-type': 'application/json',
      auth: signCall(merchantUserId, secretKey, clock()),
    };
    try {
      return readMerchantAnswer(await callJson(`${apiUrl}/v2/merchant/${path}`, { method, headers, body, timeoutMs }));
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      // The cause is dropped on purpose: nothing of a call that was signed belongs into a log.
      if (error.status !== undefined && error.status >= 400) throw toFailure(error.status);
      throw new ProviderError('unavailable', 'NO_ANSWER');
    }
  }

  /** The service stands behind the name of the call, before what is asked about. */
  const pathOf = (name: string, ...values: ReadonlyArray<string>) =>
    [name, serviceId, ...values.map(encodeURIComponent)].join('/');

  const getPayment = async (paymentId: string) => readPayment(await call('GET', pathOf('payment/status', paymentId)));

  return {
    getPayment,

    async findPayment(merchantTransId, day) {
      try {
        const found = readPayment(await call('GET', pathOf('payment/status_by_mti', merchantTransId, day)));
        return found.status === null ? await getPayment(found.id) : found;
      } catch (error) {
        // Wrong keys and addresses have HTTP statuses: a refusal in the body is about the order.
        if (error instanceof ProviderError && error.failure === 'declined') return null;
        throw error;
      }
    },

    async reverse(paymentId) {
      await call('DELETE', pathOf('payment/reversal', paymentId));
    },

    async reversePart(paymentId, amount) {
      try {
        await call('DELETE', pathOf('payment/partial_reversal', paymentId, amount));
      } catch (error) {
        if (!(error instanceof ProviderError) || error.failure !== 'unavailable' || error.code === 'HTTP_429')
          throw error;
        throw new ProviderError('declined', OUTCOME_UNKNOWN);
      }
    },

    async verifyCard(token, code) {
      const body = { service_id: Number(serviceId), card_token: token, sms_code: Number(code) };
      return readCard(await call('POST', 'card_token/verify', body), token);
    },

    async chargeCard({ amount, merchantTransId, token }) {
      const body = {
        service_id: Number(serviceId),
        card_token: token,
        // Click's table has a number here. Below 2^53 tiyin it is written with the digits it was read from.
        amount: Number(amount),
        transaction_parameter: merchantTransId,
      };
      return readPayment(await call('POST', 'card_token/payment', body));
    },

    async deleteCard(token) {
      await call('DELETE', pathOf('card_token', token));
    },
  };
}

/** `merchant_user_id:sha1(timestamp + secret_key):timestamp`, in seconds (docs.click.uz/merchant-api/requests). */
function signCall(merchantUserId: string, secretKey: string, now: Date): string {
  const timestamp = Math.floor(now.getTime() / 1_000);
  const digest = createHash('sha1').update(`${timestamp}${secretKey}`).digest('hex');
  return `${merchantUserId}:${digest}:${timestamp}`;
}
