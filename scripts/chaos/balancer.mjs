import { Agent, createServer, request as requestTo } from 'node:http';

const REPEAT_WITHIN_MS = 1_500;
const CROWD = 50;

/**
 * Stands before the web processes as a load balancer would, and is the witness of what was acknowledged: it sees every
 * webhook with its answer. Of the answered payments it sends one in ten again, some of them fifty times at once.
 */
export async function startBalancer({ port, backends, random }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const seen = {
    acknowledged: new Set(),
    attempts: 0,
    repeats: 0,
    crowds: 0,
    statuses: new Map(),
    longestSilenceMs: 0,
  };
  let isRepeating = true;
  let lastAnswerAt = performance.now();
  let turn = 0;
  const pending = new Set();

  /** Resolves with the answer, `refused` when nobody listens there, or null when the connection broke. */
  const sendTo = (port, { method, url, headers, body }) =>
    new Promise((resolve) => {
      const outgoing = requestTo({ agent, host: '127.0.0.1', port, method, path: url, headers }, (incoming) => {
        const chunks = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('end', () =>
          resolve({ status: incoming.statusCode, headers: incoming.headers, body: Buffer.concat(chunks) }),
        );
        incoming.on('error', () => resolve(null));
      });
      outgoing.setTimeout(15_000, () => outgoing.destroy());
      outgoing.on('error', (error) => resolve(error.code === 'ECONNREFUSED' ? 'refused' : null));
      outgoing.end(body);
    });

  /** To each in turn; to the other one only when nothing was sent, so that this never repeats a message by itself. */
  const forward = async (message) => {
    turn += 1;
    for (let tries = 0; tries < backends.length; tries += 1) {
      const answer = await sendTo(backends[(turn + tries) % backends.length], message);
      if (answer !== 'refused') return answer;
    }
    return null;
  };

  const note = ({ chargeId, isTaken }, answer) => {
    seen.attempts += 1;
    const status = answer === null ? 'no answer' : String(answer.status);
    seen.statuses.set(status, (seen.statuses.get(status) ?? 0) + 1);
    if (answer === null || answer.status < 200 || answer.status > 299) return false;
    if (isTaken && !isTaken.test(answer.body.toString())) return false;

    const now = performance.now();
    if (now - lastAnswerAt > seen.longestSilenceMs) {
      seen.longestSilenceMs = now - lastAnswerAt;
    }
    lastAnswerAt = now;
    seen.acknowledged.add(chargeId);
    return true;
  };

  const repeatLater = (message, charge) => {
    const copies = random.isOneIn(4) ? CROWD : 1;
    if (copies > 1) seen.crowds += 1;
    const repeat = async () => {
      await new Promise((resolve) => setTimeout(resolve, random.between(0, REPEAT_WITHIN_MS)));
      await Promise.all(
        Array.from({ length: copies }, async () => {
          seen.repeats += 1;
          note(charge, await forward(message));
        }),
      );
    };
    const work = repeat().finally(() => pending.delete(work));
    pending.add(work);
  };

  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { headers, method, url } = request;
    const message = { method, url, headers, body: Buffer.concat(chunks) };
    const charge = chargeOf(url, message.body.toString('latin1'));
    const answer = await forward(message);
    if (charge !== null && note(charge, answer) && isRepeating && random.isOneIn(10)) repeatLater(message, charge);
    if (answer === null) return response.destroy();
    const { connection: _, 'keep-alive': __, ...kept } = answer.headers;
    response.writeHead(answer.status, kept);
    response.end(answer.body);
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    seen,
    /** No more repeats; resolves when those under way are answered. */
    calm: async () => {
      isRepeating = false;
      await Promise.all(pending);
    },
    close: () => {
      agent.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

/**
 * What of each provider says that money was taken, where it names the charge, and, where every answer is a 200, what the
 * answer must say to acknowledge it.
 */
const TOLD = {
  telegram: {
    provider: 'telegram-stars',
    says: /"successful_payment"/,
    charge: /"telegram_payment_charge_id":"([^"]+)"/,
  },
  stripe: { says: /"type": "checkout\.session\.completed"/, charge: /"payment_intent": "(pi_\w+)"/ },
  'crypto-pay': { says: /"update_type":"invoice_paid"/, charge: /"invoice_id":(\d+)/ },
  btcpay: { says: /"type": "InvoiceSettled"/, charge: /"invoiceId": "(\w+)"/ },
  payme: { says: /"PerformTransaction"/, charge: /"id":"([0-9a-f]{24})"/, isTaken: /"result":/ },
  click: { says: /(^|&)action=1(&|$)/, charge: /(?:^|&)click_trans_id=(\d+)/, isTaken: /"error":0\b/ },
};

/** The charge that a webhook tells of, as `<provider> <id>`; null when it tells of none. */
function chargeOf(url, body) {
  const name = /\/webhooks\/([\w-]+)$/.exec(url)?.[1] ?? '';
  const told = TOLD[name];
  const id = told?.says.test(body) ? told.charge.exec(body)?.[1] : undefined;
  return id === undefined ? null : { chargeId: `${told.provider ?? name} ${id}`, isTaken: told.isTaken };
}
