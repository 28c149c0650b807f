import { Agent, createServer, request as requestTo } from 'node:http';

const REPEAT_WITHIN_MS = 1_500;
const CROWD = 50;

/**
 * Stands before the web processes as a load balancer would, and is the witness of what was acknowledged: it sees every
 * update with its answer. Of the answered payments it sends one in ten again, some of them fifty times at once.
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

  const note = (chargeId, answer) => {
    seen.attempts += 1;
    const status = answer === null ? 'no answer' : String(answer.status);
    seen.statuses.set(status, (seen.statuses.get(status) ?? 0) + 1);
    if (answer === null || answer.status < 200 || answer.status > 299) return false;

    const now = performance.now();
    if (now - lastAnswerAt > seen.longestSilenceMs) {
      seen.longestSilenceMs = now - lastAnswerAt;
    }
    lastAnswerAt = now;
    seen.acknowledged.add(chargeId);
    return true;
  };

  const repeatLater = (message, chargeId) => {
    const copies = random.isOneIn(4) ? CROWD : 1;
    if (copies > 1) seen.crowds += 1;
    const repeat = async () => {
      await new Promise((resolve) => setTimeout(resolve, random.between(0, REPEAT_WITHIN_MS)));
      await Promise.all(
        Array.from({ length: copies }, async () => {
          seen.repeats += 1;
          note(chargeId, await forward(message));
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
    const chargeId = url.startsWith('/webhooks/telegram') ? chargeOf(message.body) : null;
    const answer = await forward(message);
    if (chargeId !== null && note(chargeId, answer) && isRepeating && random.isOneIn(10))
      repeatLater(message, chargeId);
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

function chargeOf(body) {
  const match = /"telegram_payment_charge_id":"([^"]+)"/.exec(body.toString('latin1'));
  return match && body.includes('"successful_payment"') ? match[1] : null;
}
