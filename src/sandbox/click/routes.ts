import { z } from 'zod';
import { type Ask, cardChange, type Route, readLimit, route } from '../control-route.ts';
import { present } from './world.ts';

const LIST_LIMIT = 500;

const payBody = z.strictObject({
  url: z.string().min(1),
  outcome: z
    .enum(['paid', 'insufficient_funds', 'cancelled', 'lost_answer', 'error', 'stop_after_prepare'])
    .default('paid'),
  error: z.int().max(-1).optional(),
  card_type: z.enum(['uzcard', 'humo']).optional(),
  large_ids: z.boolean().optional(),
});

/** Click's part of the control API (see control-payme-click.ts). */
export const clickRoutes: readonly Route[] = [
  route('POST', '/click/pay', async ({ click, body }) => {
    const { card_type: cardType, large_ids: isLarge, ...visit } = payBody.parse(body);
    return await click.pay({ ...visit, cardType, isLarge });
  }),
  route('GET', '/click/payments', listPayments),
  route('GET', '/click/payments/:id', ({ click, part }) => present(click.payments.get(part(1)))),
  route('POST', '/click/payments/:id/complete', async ({ click, part }) =>
    present(await click.payments.complete(part(1))),
  ),
  route('POST', '/click/payments/:id/return', ({ click, part }) => present(click.payments.returnMoney(part(1)))),
  route('GET', '/click/investigations', ({ click }) =>
    click.world
      .list()
      .filter(({ status }) => status === 'investigation')
      .map(present),
  ),
  route('GET', '/click/cards', ({ click }) => click.cardTokens.list()),
  route('PATCH', '/click/cards/:token', ({ click, part, body }) =>
    click.cardTokens.setDeclines(part(1), cardChange.parse(body).declines),
  ),
];

function listPayments({ click, query }: Ask): unknown {
  const wanted = query.get('order');
  return click.world
    .list()
    .filter(({ merchant_trans_id: order }) => wanted === null || order === wanted)
    .slice(-readLimit(query, LIST_LIMIT))
    .reverse()
    .map(present);
}
