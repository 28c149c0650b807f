import { createHash } from 'node:crypto';
import { ProviderError } from '#domain/provider.ts';
import { callJson, NoAnswerError } from '#lib/http.ts';
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

  async function call(method: 'GET' | 'DELETE', path: ReadonlyArray<string>): Promise<unknown> {
    const [group, action, ...values] = path;
    const segments = [group, action, serviceId, ...values.map(encodeURIComponent)];
    const headers = {
      accept: 'application/json',
      'content-type': 'application/json',
      auth: signCall(merchantUserId, secretKey, clock()),
    };
    try {
      return readMerchantAnswer(
        await callJson(`${apiUrl}/v2/merchant/${segments.join('/')}`, { method, headers, timeoutMs }),
      );
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      // The cause is dropped on purpose: nothing of a call that was signed belongs into a log.
      if (error.status !== undefined && error.status >= 400) throw toFailure(error.status);
      throw new ProviderError('unavailable', 'NO_ANSWER');
    }
  }

  const getPayment = async (paymentId: string) => readPayment(await call('GET', ['payment', 'status', paymentId]));

  return {
    getPayment,

    async findPayment(merchantTransId, day) {
      try {
        const found = readPayment(await call('GET', ['payment', 'status_by_mti', merchantTransId, day]));
        return found.status === null ? await getPayment(found.id) : found;
      } catch (error) {
        // Wrong keys and addresses have HTTP statuses: a refusal in the body is about the order.
        if (error instanceof ProviderError && error.failure === 'declined') return null;
        throw error;
      }
    },

    async reverse(paymentId) {
      await call('DELETE', ['payment', 'reversal', paymentId]);
    },

    async reversePart(paymentId, amount) {
      try {
        await call('DELETE', ['payment', 'partial_reversal', paymentId, amount]);
      } catch (error) {
        if (!(error instanceof ProviderError) || error.failure !== 'unavailable' || error.code === 'HTTP_429')
          throw error;
        throw new ProviderError('declined', OUTCOME_UNKNOWN);
      }
    },
  };
}

/** `merchant_user_id:sha1(timestamp + secret_key):timestamp`, in seconds (docs.click.uz/merchant-api/requests). */
function signCall(merchantUserId: string, secretKey: string, now: Date): string {
  const timestamp = Math.floor(now.getTime() / 1_000);
  const digest = createHash('sha1').update(`${timestamp}${secretKey}`).digest('hex');
  return `${merchantUserId}:${digest}:${timestamp}`;
}
