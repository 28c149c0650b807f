import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import pg from 'pg';

/*
 * Comparator: the least program that does the same writes. node:http, pg, one SQL function (bare.sql), the answer after
 * its commit. The secret is compared in constant time; nothing else is checked.
 */

const { DATABASE_URL, PORT, TELEGRAM_WEBHOOK_SECRET } = process.env;
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 8 });
const secret = Buffer.from(TELEGRAM_WEBHOOK_SECRET);

const SETTLE = {
  name: 'bench_settle',
  text: 'SELECT bench_settle($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13) AS outcome',
};

const id = (prefix) => `${prefix}_01${Date.now().toString(36)}${randomBytes(8).toString('hex')}`;

async function settle(body) {
  const { update_id, message } = JSON.parse(body.toString('utf8'));
  const paid = message.successful_payment;
  const until = paid.subscription_expiration_date;
  const { rows } = await pool.query({
    ...SETTLE,
    values: [
      id('whe'),
      String(update_id),
      body,
      paid.invoice_payload,
      paid.telegram_payment_charge_id,
      message.from.id,
      paid.total_amount,
      new Date(message.date * 1000),
      until ? new Date(until * 1000) : null,
      id('pay'),
      id('sub'),
      id('ent'),
      id('req'),
    ],
  });
  return rows[0].outcome;
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const answer = (status, text) => {
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length });
      response.end(text);
    };
    if (request.method === 'GET') return answer(200, '{}');
    const given = Buffer.from(String(request.headers['x-telegram-bot-api-secret-token']));
    if (given.length !== secret.length || !timingSafeEqual(given, secret)) return answer(401, '{}');
    settle(Buffer.concat(chunks)).then(
      () => answer(200, '{}'),
      (error) => {
        console.error(error);
        answer(500, '{}');
      },
    );
  });
});
server.listen(Number(PORT), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
