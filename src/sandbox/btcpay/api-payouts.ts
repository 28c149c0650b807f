import { z } from 'zod';
import { type ApiRoute, apiRoute, type Call } from './api-invoices.ts';
import { metadata } from './fields.ts';
import { Invalid, Refusal } from './refusal.ts';
import { presentPayout, presentPullPayment } from './wire.ts';
import { newestFirst, type PayoutRecord, type PullPaymentRecord } from './world.ts';

const VIEW = 'btcpay.store.canviewpayouts';
const VIEW_PULL = 'btcpay.store.canviewpullpayments';
const ARCHIVE = 'btcpay.store.canarchivepullpayments';
const MANAGE = 'btcpay.store.canmanagepayouts';
const PULL = 'pull-payments/:id';
const PAYOUT = '[stores/:store/]payouts/:id';

const approveBody = z.object({ revision: z.int().nullish() });
const markBody = z.object({
  state: z.enum(['AwaitingApproval', 'AwaitingPayment', 'InProgress', 'Completed', 'Cancelled']).default('Completed'),
  paymentProof: metadata.nullish(),
});

/** A pull payment is asked for without a key: its id is the secret of whoever may claim it. */
export const payoutRoutes: readonly ApiRoute[] = [
  apiRoute('pull-payments/list', 'GET stores/:store/pull-payments', VIEW_PULL, ({ btcpay, query }) =>
    newestFirst(btcpay.world.pullPayments)
      .filter(({ is_archived: isArchived }) => !isArchived || query.get('includeArchived') === 'true')
      .map(presentPullPayment),
  ),
  apiRoute('pull-payments/get', `GET ${PULL}`, null, (call) => presentPullPayment(getPullPayment(call))),
  apiRoute('pull-payments/payouts', `GET ${PULL}/payouts`, null, (call) => {
    const { id } = getPullPayment(call);
    return call.btcpay.world.payoutsOf(id).filter(isShown(call)).filter(isWanted(call)).map(presentPayout);
  }),
  apiRoute('pull-payments/payout', `GET ${PULL}/payouts/:second`, null, (call) => {
    const found = call.btcpay.world
      .payoutsOf(call.id)
      .filter(isShown(call))
      .find(({ id }) => id === call.second);
    if (found === undefined) throw payoutNotFound();
    return presentPayout(found);
  }),
  apiRoute('pull-payments/claim', `POST ${PULL}/payouts`, null, (call) =>
    presentPayout(call.btcpay.payouts.claim(getPullPayment(call), call.body)),
  ),
  apiRoute('pull-payments/archive', `DELETE [stores/:store/]${PULL}`, ARCHIVE, (call) => {
    call.btcpay.archivePullPayment(getPullPayment(call));
  }),
  apiRoute('payouts/list', 'GET stores/:store/payouts', VIEW, (call) =>
    newestFirst(call.btcpay.world.payouts).filter(isShown(call)).filter(isWanted(call)).map(presentPayout),
  ),
  apiRoute('payouts/get', `GET ${PAYOUT}`, VIEW, (call) => presentPayout(getPayout(call))),
  apiRoute('payouts/approve', `POST ${PAYOUT}`, MANAGE, (call) => {
    const { revision } = approveBody.parse(call.body);
    if (revision == null) throw new Invalid([{ path: 'Revision', message: 'The `revision` property is required' }]);
    return presentPayout(call.btcpay.payouts.approve(getPayout(call), revision));
  }),
  apiRoute('payouts/mark-paid', `POST ${PAYOUT}/mark-paid`, MANAGE, (call) => {
    call.btcpay.payouts.mark(getPayout(call), 'Completed', null);
  }),
  apiRoute('payouts/mark', `POST ${PAYOUT}/mark`, MANAGE, (call) => {
    const { state, paymentProof } = markBody.parse(call.body);
    if (state === 'Cancelled') call.btcpay.payouts.cancel(getPayout(call));
    else call.btcpay.payouts.mark(getPayout(call), state, paymentProof ?? null);
  }),
  apiRoute('payouts/cancel', `DELETE ${PAYOUT}`, MANAGE, (call) => {
    call.btcpay.payouts.cancel(getPayout(call));
  }),
];

function getPullPayment({ btcpay, id }: Call): PullPaymentRecord {
  const pullPayment = btcpay.world.pullPayments.get(id);
  if (pullPayment !== undefined) return pullPayment;
  throw new Refusal(404, 'pullpayment-not-found', 'The pull payment was not found');
}

function getPayout({ btcpay, id }: Call): PayoutRecord {
  const payout = btcpay.world.payouts.get(id);
  if (payout === undefined) throw payoutNotFound();
  return payout;
}

function payoutNotFound(): Refusal {
  return new Refusal(404, 'payout-not-found', 'The payout was not found');
}

/** PayoutQuery leaves out what was archived, unless it is asked not to, which no request can. */
function isShown({ btcpay }: Call): (payout: PayoutRecord) => boolean {
  return ({ pull_payment_id: id }) => btcpay.world.pullPayments.get(id)?.is_archived !== true;
}

function isWanted({ query }: Call): (payout: PayoutRecord) => boolean {
  const hasCancelled = query.get('includeCancelled') === 'true';
  return ({ state }) => hasCancelled || state !== 'Cancelled';
}
