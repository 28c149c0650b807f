import { addMethod } from '#domain/payment-method/add.ts';
import { claimMethod } from '#domain/payment-method/claim.ts';
import { finishOpenAdding } from '#domain/payment-method/open-adding.ts';
import { payWithMethod } from '#domain/payment-method/pay.ts';
import { makeSecret } from '#lib/crypto.ts';
import { CATALOG } from './catalog.ts';
import type { Buyer, PriceId, World } from './world.ts';

/** Cards of the sandbox, by what becomes of a charge: those of Payme are the official test cards. */
export const PAYME_CARDS = {
  good: '8600069195406311',
  noSms: '8600060921090842',
  expired: '3333336415804657',
  blocked: '4444445987459073',
  broken: '8600143417770323',
} as const;
export const CLICK_CARDS = {
  good: '8600120000000011',
  humo: '9860120000000022',
  poor: '8600120000005176',
  blocked: '8600120000003015',
  noSms: '8600120000004047',
} as const;

export type Refusal = Readonly<{ code: number }>;

/** What a person's browser asks of Payme's endpoint, without a key. Throws Payme's refusal as `{ code }`. */
export async function askPayme<Result>(
  endpoint: string,
  publicId: string,
  method: string,
  params: object,
): Promise<Result> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-auth': publicId, origin: 'http://localhost:3000' },
    body: JSON.stringify({ id: 1, method, params }),
  });
  if (response.headers.get('access-control-allow-origin') !== '*') throw new Error(`${method} is not for pages`);
  const { error, result } = (await response.json()) as { error?: Refusal; result: Result };
  if (error) throw error;
  return result;
}

/** The three calls of a page that give it a token of a card at Payme. */
export async function paymeToken(endpoint: string, publicId: string, number: string, code = '666666'): Promise<string> {
  type Made = { card: { token: string } };
  const made = await askPayme<Made>(endpoint, publicId, 'cards.create', {
    card: { number, expire: '0399' },
    save: true,
  });
  const { token } = made.card;
  await askPayme(endpoint, publicId, 'cards.get_verify_code', { token });
  return (await askPayme<Made>(endpoint, publicId, 'cards.verify', { token, code })).card.token;
}

/** The one call of a page that gives it a token of a card at Click. Throws Click's refusal as `{ code }`. */
export async function clickToken(endpoint: string, publicId: string, number: string): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify({ service_id: Number(publicId), card_number: number, expire_date: '1299', temporary: 0 }),
  });
  const answer = (await response.json()) as { error_code: number; card_token: string };
  if (answer.error_code !== 0) throw { code: answer.error_code } satisfies Refusal;
  return answer.card_token;
}

/** Begins to store a card, as a page is told to go on. */
export async function beginCard(buyer: Buyer, providerId: string) {
  const { client, id } = await addMethod(buyer.ctx, { userId: buyer.id, providerId, language: 'en' });
  if (!client) throw new Error(`${providerId} begins on a page`);
  return { id, ...client };
}

/** Stores a card of a person: by their browser's calls, then by us, and then by their word in Telegram. */
export async function storeCard(buyer: Buyer, providerId: 'payme' | 'click', number: string): Promise<string> {
  const { endpoint, id, publicId } = await beginCard(buyer, providerId);
  const token =
    providerId === 'payme'
      ? await paymeToken(endpoint, publicId, number)
      : await clickToken(endpoint, publicId, number);
  const code = providerId === 'payme' ? null : '12345';
  const secret = makeSecret();
  await finishOpenAdding(buyer.ctx, { methodId: id, token, code, secret, back: null });
  await claimMethod(buyer.ctx, { methodId: id, secret });
  return id;
}

/** Buys with a stored card in a browser. */
export function payByCard(buyer: Buyer, methodId: string, priceId: PriceId = CATALOG.proYearUzs) {
  return payWithMethod(buyer.ctx, { userId: buyer.id, priceId, surface: 'browser', language: 'en', methodId });
}

/** All orders of a person, with what providers took for them. */
export function ordersOf(world: World, { id }: Buyer) {
  return world.sql<{ id: string; status: string; payments: number; attempts: string[] }>(
    `SELECT i.id, i.status::text, (SELECT count(*)::int FROM payment p WHERE p.invoice_id = i.id) AS payments,
       ARRAY(SELECT a.status || coalesce(':' || a.failure, '') FROM payment_attempt a WHERE a.invoice_id = i.id ORDER BY a.created_at, a.id) AS attempts
     FROM invoice i WHERE i.user_id = $1 ORDER BY i.created_at, i.id`,
    [id],
  );
}
