import { z } from 'zod';
import { type Ask, cardChange, type Route, readLimit, route } from '../control-route.ts';
import { SimError } from '../errors.ts';
import { LinkError } from './link.ts';
import { present } from './world.ts';

const LIST_LIMIT = 500;

const urlBody = z.strictObject({ url: z.string().min(1) });
const payBody = urlBody.extend({
  card: z.string().optional(),
  expire: z.string().optional(),
  sms: z.string().optional(),
  stop_after: z.enum(['create', 'debit']).optional(),
});
const statementBody = z.strictObject({ from: z.int().min(0).optional(), to: z.int().min(0).optional() });

/** Payme's part of the control API (see control-payme-click.ts). */
export const paymeRoutes: readonly Route[] = [
  route('POST', '/payme/check', check),
  route('POST', '/payme/pay', async ({ payme, body }) => {
    const { stop_after: stopAfter, ...visit } = payBody.parse(body);
    return await payme.pay({ ...visit, stopAfter });
  }),
  route('GET', '/payme/transactions', listTransactions),
  route('GET', '/payme/transactions/:id', ({ payme, part }) => present(payme.payments.get(part(1)))),
  route('POST', '/payme/transactions/:id/resume', async ({ payme, part }) =>
    present(await payme.payments.resume(part(1))),
  ),
  route('POST', '/payme/transactions/:id/refund', async ({ payme, part }) =>
    present(await payme.payments.refund(part(1))),
  ),
  route('POST', '/payme/transactions/:id/check', ({ payme, part }) => payme.books.check(payme.payments.get(part(1)))),
  route('POST', '/payme/statement', ({ payme, body }) => payme.books.readStatement(statementBody.parse(body))),
  route('GET', '/payme/cards', ({ payme }) => payme.cards.list()),
  route('PATCH', '/payme/cards/:id', ({ payme, part, body }) =>
    payme.cards.setDeclines(part(1), cardChange.parse(body).declines),
  ),
  route('GET', '/payme/receipts', listReceipts),
  route('GET', '/payme/receipts/:id', ({ payme, part }) => payme.receipts.read(part(1))),
];

async function check({ payme, body }: Ask): Promise<unknown> {
  try {
    return await payme.check(urlBody.parse(body).url);
  } catch (error) {
    if (error instanceof LinkError) throw new SimError(400, 'LINK_INVALID', `${error.code}: ${error.message}`);
    throw error;
  }
}

function listTransactions({ payme, query }: Ask): unknown {
  const wanted = query.get('account');
  return payme.world
    .listTransactions()
    .filter(({ account }) => wanted === null || Object.values(account).includes(wanted))
    .slice(-readLimit(query, LIST_LIMIT))
    .reverse()
    .map(present);
}

function listReceipts({ payme, query }: Ask): unknown {
  const wanted = query.get('account');
  return payme.receipts
    .list()
    .filter(({ account }) => wanted === null || Object.values(account).includes(wanted))
    .slice(-readLimit(query, LIST_LIMIT))
    .reverse();
}
