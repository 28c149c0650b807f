import { createHash, timingSafeEqual } from 'node:crypto';

/** The texts of a SHOP API request that are signed. */
export type Signed = {
  click_trans_id: string;
  service_id: string;
  merchant_trans_id: string;
  /** Only of Complete. */
  merchant_prepare_id?: string;
  amount: string;
  action: '0' | '1';
  sign_time: string;
};

/** sign_string: MD5 over the texts as they are sent, without separators (SHOP API, requests). */
export function signRequest(signed: Signed, secretKey: string): string {
  const prepareId = signed.action === '1' ? (signed.merchant_prepare_id ?? '') : '';
  const { click_trans_id: id, service_id: service, merchant_trans_id: order, amount, action, sign_time: time } = signed;
  return createHash('md5')
    .update(`${id}${service}${secretKey}${order}${prepareId}${amount}${action}${time}`)
    .digest('hex');
}

/**
 * Checks `Auth: merchant_user_id:sha1(timestamp + secret_key):timestamp` of the Merchant API.
 *
 * @param skewSeconds how far the timestamp may be from `nowSeconds`
 */
export function isAuthorized(
  header: string | undefined,
  given: { merchantUserId: string; secretKey: string; nowSeconds: number; skewSeconds: number },
): boolean {
  const [user, digest, timestamp, ...more] = (header ?? '').split(':');
  if (more.length > 0 || user !== given.merchantUserId || !/^\d{10}$/.test(timestamp ?? '')) return false;
  if (Math.abs(Number(timestamp) - given.nowSeconds) > given.skewSeconds) return false;
  const expected = createHash('sha1').update(`${timestamp}${given.secretKey}`).digest('hex');
  const actual = Buffer.from(digest ?? '');
  return actual.length === expected.length && timingSafeEqual(actual, Buffer.from(expected));
}
