import { randomInt } from 'node:crypto';
import { Agent, request as send } from 'node:http';
import { parseArgs } from 'node:util';
import { makeRandom } from './fuzz/hostile.mjs';
import { judgeAnswer } from './fuzz/judge.mjs';
import { makeRequests } from './fuzz/requests.mjs';
import { FORGED } from './fuzz/webhooks.mjs';

/*
 * `npm run fuzz`: hostile requests at every REST route, tRPC procedure and provider's door of a running Hoshi in sandbox mode.
 * `--requests 20000`, `--seed` to repeat a run, `--concurrency 8`, `--url` and `--sandbox` when they are not the usual.
 * Fails when an answer is a fault, has not the shape of a refusal or tells of the insides, or when the server is not
 * healthy afterwards. It makes people and orders in the sandbox, so it is for sandboxes only.
 */

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '20000' },
    concurrency: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(randomInt(1, 1_000_000)) },
    url: { type: 'string', default: 'http://localhost:3000' },
    sandbox: { type: 'string', default: 'http://localhost:8081' },
  },
});
const { sandbox, url } = values;
const total = Number(values.requests);
/** The public values of sandbox mode: src/lib/env-modes.ts. */
const API_KEY = 'hoshi_sandbox_api_key_do_not_use_live';
const WEBHOOK_SECRET = 'hoshi-sandbox-webhook-secret';
const METRICS_TOKEN = 'hoshi-sandbox-metrics';
/** And those of the providers: src/providers/<name>/settings.ts. */
const PROVIDERS = {
  paymeKey: 'HoshiSandboxPaymeKey0000000000000000',
  clickServiceId: '90001',
  clickSecret: 'HoshiSandboxClickSecret',
  stripeSecret: 'whsec_HoshiSandboxStripeSecret0000',
  cryptoPayToken: '90004:AAHoshiSandboxCryptoPayToken00000',
  btcpayStore: 'HoshiSandboxStore00000000000000000000000000000',
  btcpaySecret: 'HoshiSandboxBtcpayWebhookSecret',
};
/** Providers whose refused messages must be counted and must not be kept. */
const SIGNING = ['stripe', 'crypto-pay', 'btcpay'];
const REFUSALS = /"reason":"(webhook_secret_wrong|webhook_too_old|webhook_from_future|malformed_request)"/;
const TIMEOUT_MS = 10_000;
const SHOWN = 20;

const agent = new Agent({ keepAlive: true, maxSockets: Number(values.concurrency) });

/** Sends one request as it is; resolves with status 0 when no answer came. */
function exchange({ method, path, headers, body }) {
  return new Promise((resolve) => {
    const fail = (error) => resolve({ status: 0, headers: {}, text: error.code ?? error.message });
    const length = body ? { 'content-length': String(body.length) } : {};
    const options = { agent, method, path, headers: { ...headers, ...length }, timeout: TIMEOUT_MS };
    const outgoing = send(url, options, (incoming) => {
      incoming.toArray().then((chunks) => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: incoming.statusCode, headers: incoming.headers, text });
      }, fail);
    });
    outgoing.on('error', fail).on('timeout', () => outgoing.destroy(new Error('no answer in 10 s')));
    outgoing.end(body);
  });
}

async function askJson(address, json, headers = {}) {
  const body = json && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(json),
  };
  const response = await fetch(address, { headers, ...body });
  if (!response.ok) throw new Error(`${address} answered ${response.status}`);
  return response.json();
}

/** A person of the sandbox with a session, to be refused in the right place. */
async function makePerson() {
  const { id } = await askJson(`${sandbox}/sim/users`, { first_name: 'Fuzz', language_code: 'en', balance: 1_000 });
  const { init_data: initData } = await askJson(`${sandbox}/sim/webapp/launch`, { user_id: id });
  const started = await askJson(`${url}/api/trpc/session.start`, { initData });
  const { me, token } = started.result.data;
  return { token, userId: me.userId };
}

async function readTarget() {
  const document = await askJson(`${url}/api/v1/openapi.json`);
  const people = [await makePerson(), await makePerson()];
  const { plans } = await askJson(`${url}/api/v1/payment/plans`);
  const known = plans.flatMap(({ id, code, prices }) => [id, code, ...prices.map((price) => price.price_id)]);
  const ids = [...people.map(({ userId }) => userId), ...known.slice(0, 12), '7100000001', 'inv_nobody'];
  const tokens = people.map(({ token }) => token);
  // Signatures have an age by the sandbox's clock, which may have been moved.
  const { offsetMs } = await askJson(`${sandbox}/sim/clock?after=-1`);
  const now = () => Date.now() + offsetMs;
  return { document, ids, apiKey: API_KEY, webhookSecret: WEBHOOK_SECRET, providers: PROVIDERS, tokens, now };
}

/** How many messages of a provider were counted as refused. */
async function countRefused() {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
  const text = await response.text();
  return new Map(
    SIGNING.map((provider) => {
      const rows = text.matchAll(
        new RegExp(`^hoshi_webhook_events_total\\{provider="${provider}",kind="rejected".*\\} (\\d+)$`, 'gm'),
      );
      return [provider, [...rows].reduce((sum, [, count]) => sum + Number(count), 0)];
    }),
  );
}

/** Messages in the inbox that were not signed rightly. All that wait are read, a page at a time. */
async function findForged() {
  const forged = [];
  for (const status of ['failed', 'dead']) {
    for (let before = ''; before !== null; ) {
      const page = await askJson(`${url}/api/v1/webhooks?status=${status}&limit=100${before}`, undefined, {
        'x-api-key': API_KEY,
      });
      forged.push(...page.events.filter((event) => event.provider_event_id.includes(FORGED)));
      before = page.next_cursor === null ? null : `&cursor=${page.next_cursor}`;
    }
  }
  return forged;
}

function describeRequest({ body, headers, method, path }) {
  const said = body ? ` ${JSON.stringify(body.toString().slice(0, 300))}` : '';
  const { authorization: _, 'x-telegram-bot-api-secret-token': __, ...shown } = headers;
  return `${method} ${path.slice(0, 200)} ${JSON.stringify(shown).slice(0, 200)}${said}`;
}

/**
 * Fires `total` requests and returns what was wrong, one example of each kind, how often each status came, and how many
 * messages of each provider that signs were refused.
 */
async function run(makeRequest) {
  const problems = new Map();
  const statuses = new Map();
  const refused = new Map(SIGNING.map((provider) => [provider, 0]));
  let sent = 0;
  const worker = async () => {
    while (sent < total) {
      sent += 1;
      const request = makeRequest();
      const answer = await exchange(request);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (refused.has(request.door) && REFUSALS.test(answer.text))
        refused.set(request.door, refused.get(request.door) + 1);
      for (const problem of judgeAnswer(request, answer)) {
        const kind = `${request.door}: ${problem}`;
        const seen = problems.get(kind) ?? {
          times: 0,
          example: describeRequest(request),
          text: answer.text.slice(0, 300),
        };
        problems.set(kind, { ...seen, times: seen.times + 1 });
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.concurrency) }, worker));
  return { problems, refused, statuses };
}

const makeRequest = makeRequests(makeRandom(Number(values.seed)), await readTarget());
const countedBefore = await countRefused();
const { problems, refused, statuses } = await run(makeRequest);
const counted = await countRefused();
for (const [provider, times] of refused) {
  const seen = counted.get(provider) - countedBefore.get(provider);
  if (seen !== times)
    problems.set(`${provider}: ${times} messages were refused and ${seen} counted`, {
      times: 1,
      example: '',
      text: '',
    });
}
const forged = await findForged();
if (forged.length > 0)
  problems.set('a message that was not signed is kept', {
    times: forged.length,
    example: JSON.stringify(forged[0]),
    text: '',
  });
const health = await exchange({ method: 'GET', path: '/api/v1/payments/health', headers: {} });
if (health.status !== 200)
  problems.set('the server is not healthy afterwards', { times: 1, example: '', text: health.text });
agent.destroy();

console.log(
  [...statuses]
    .sort(([a], [b]) => a - b)
    .map(([status, times]) => `${status}: ${times}`)
    .join('  '),
);
for (const [kind, { example, text, times }] of [...problems].slice(0, SHOWN))
  console.log(`\n${kind} (${times} times)\n  ${example}\n  → ${text}`);
console.log(`\n${total} requests with seed ${values.seed}: ${problems.size} kinds of problems`);
process.exitCode = problems.size === 0 ? 0 : 1;
