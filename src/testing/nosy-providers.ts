import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stripeSignature } from './stripe.ts';

/*
 * Providers that tell us more than we ask: who paid, by which address, with whose card. Each object they send us has such fields
 * beside its own, in their webhooks as in the answers to our calls.
 */

/** The public values of the sandbox. */
const CRYPTO_PAY_TOKEN = '90004:AAHoshiSandboxCryptoPayToken00000';
const BTCPAY_SECRET = 'HoshiSandboxBtcpayWebhookSecret';

/** Fields of providers that are about a payer, as their documents name them. */
const PERSONAL = [
  'email',
  'customer_email',
  'receipt_email',
  'phone',
  'comment',
  'payer_name',
  'individual_name',
] as const;

/** The same value, in which every object also says who pays. `mark` is what it says. */
export function spiked(value: unknown, mark: string): unknown {
  if (Array.isArray(value)) return value.map((item) => spiked(item, mark));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, said]) => [name, spiked(said, mark)]);
  const told = Object.fromEntries(entries) as Record<string, unknown>;
  for (const name of PERSONAL) if (name in told) told[name] = `${mark}@payer.test`;
  if (isOf(told, 'billing_details')) told['billing_details'] = { ...told['billing_details'], name: mark };
  return {
    ...told,
    buyerName: mark,
    buyerEmail: `${mark}@payer.test`,
    cardholder_name: mark,
    error_note_of_payer: mark,
  };
}

function isOf<Name extends string>(value: Record<string, unknown>, name: Name): value is Record<Name, object> {
  return typeof value[name] === 'object' && value[name] !== null;
}

type Message = Readonly<{ headers: Record<string, string | undefined>; body: Uint8Array }>;

/** Of a connection between two programs, not of what they say. */
const HOP = ['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive'];
const ownHeaders = (headers: Readonly<Record<string, string | string[] | undefined>>) =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      HOP.includes(name) || value === undefined ? [] : [[name, String(value)]],
    ),
  );

/** A provider's webhook as it may be sent on: it says more about who paid than it did, signed again by that provider's own rule. */
export function nosyMessage(providerId: string, { body, headers }: Message, mark: string) {
  const own = ownHeaders(headers);
  const text = Buffer.from(body).toString('utf8');
  if (providerId === 'click') {
    const form = new URLSearchParams(text);
    for (const name of ['phone_number', 'payer_name', 'card_holder']) form.set(name, mark);
    return { headers: own, body: Buffer.from(form.toString()) };
  }
  if (text === '' || providerId === 'telegram-stars') return { headers: own, body: Buffer.from(body) };
  const told = Buffer.from(JSON.stringify(spiked(JSON.parse(text), mark)));
  return { headers: { ...own, ...signatures[providerId]?.(told, own) }, body: told };
}

type Headers = Record<string, string>;
const hmac = (key: string | Buffer, body: Uint8Array) => createHmac('sha256', key).update(body).digest('hex');

const signatures: Readonly<Record<string, (body: Uint8Array, headers: Headers) => Headers>> = {
  stripe: (body, headers) => {
    const at = Number(/t=(\d+)/.exec(headers['stripe-signature'] ?? '')?.[1]);
    return { 'stripe-signature': `t=${at},v1=${stripeSignature(body, at)}` };
  },
  'crypto-pay': (body) => ({
    'crypto-pay-api-signature': hmac(createHash('sha256').update(CRYPTO_PAY_TOKEN).digest(), body),
  }),
  btcpay: (body) => ({ 'btcpay-sig': `sha256=${hmac(BTCPAY_SECRET, body)}` }),
};

/** Stands before the sandbox's providers and makes their answers to us nosy. `markOf` is asked with the first part of the path. */
export function makeNosyApi(markOf: (part: string) => string) {
  let target = '';
  const server = createServer((request, response) => {
    forward(target, request, response, markOf).catch(() => response.destroy());
  });
  return {
    get url() {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
    open: () => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)),
    /** Where it leads: the sandbox's address. */
    to: (sandboxUrl: string) => {
      target = sandboxUrl;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function forward(
  target: string,
  request: IncomingMessage,
  response: ServerResponse,
  markOf: (part: string) => string,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { headers, method = 'GET', url = '/' } = request;
  const answer = await fetch(target + url, {
    method,
    headers: ownHeaders(headers),
    ...(method !== 'GET' && method !== 'HEAD' && { body: Buffer.concat(chunks) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
  const said = isJson ? JSON.stringify(spiked(JSON.parse(text), markOf(url.split(/[/?]/)[1] ?? ''))) : text;
  const names = ['content-type', 'retry-after', 'request-id', 'access-control-allow-origin'].filter((name) =>
    answer.headers.has(name),
  );
  response.writeHead(answer.status, Object.fromEntries(names.map((name) => [name, answer.headers.get(name) ?? ''])));
  response.end(said);
}
