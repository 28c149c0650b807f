import { z } from 'zod';
import type { Btcpay } from './btcpay.ts';
import { metadata } from './fields.ts';
import { Invalid, Problems, Refusal } from './refusal.ts';
import { orderIdOf, presentInvoice, presentMethod, presentPullPayment } from './wire.ts';
import { type InvoiceRecord, newestFirst } from './world.ts';

export type Call = {
  btcpay: Btcpay;
  storeId: string;
  /** The invoice, webhook, pull payment or payout of the path. */
  id: string;
  /** The delivery or payout below it. */
  second: string;
  query: URLSearchParams;
  body: unknown;
  origin: string;
};

export type ApiRoute = {
  /** For the wire log and for faults. */
  name: string;
  verb: 'GET' | 'POST' | 'PUT' | 'DELETE';
  pattern: RegExp;
  /** Null: anybody may ask. */
  permission: string | null;
  answer: (call: Call) => unknown;
};

/** A route of the API; `:store`, `:id` and `:second` stand for parts of the path. `stores/:store/` may be left out of `[…]`. */
export function apiRoute(
  name: string,
  request: `${ApiRoute['verb']} ${string}`,
  permission: string | null,
  answer: ApiRoute['answer'],
): ApiRoute {
  const [verb = '', path = ''] = request.split(' ');
  const source = path
    .replace('[', '(?:')
    .replace(']', ')?')
    .replace(/(?<!\?):(\w+)/g, '(?<$1>[^/]+)');
  return { name, verb: verb as ApiRoute['verb'], pattern: new RegExp(`^${source}$`), permission, answer };
}

const CREATE = 'btcpay.store.cancreateinvoice';
const VIEW = 'btcpay.store.canviewinvoices';
const MODIFY = 'btcpay.store.canmodifyinvoices';
const REFUND = 'btcpay.store.cancreatenonapprovedpullpayments';
const ONE = '[stores/:store/]invoices/:id';
const MOST = 1_000;

const statusBody = z.object({ status: z.string() });
const updateBody = z.object({ metadata: metadata.nullish() });

export const invoiceRoutes: readonly ApiRoute[] = [
  apiRoute('invoices/create', 'POST stores/:store/invoices', CREATE, ({ btcpay, storeId, body, origin }) =>
    presentInvoice(btcpay.invoices.create(body, origin), storeId),
  ),
  apiRoute('invoices/list', 'GET stores/:store/invoices', VIEW, listInvoices),
  apiRoute('invoices/get', `GET ${ONE}`, VIEW, (call) => present(call, getInvoice(call))),
  apiRoute('invoices/update', `PUT ${ONE}`, MODIFY, updateInvoice),
  apiRoute('invoices/archive', `DELETE ${ONE}`, MODIFY, (call) => archive(call, true)),
  apiRoute('invoices/unarchive', `POST ${ONE}/unarchive`, MODIFY, (call) => archive(call, false)),
  apiRoute('invoices/payment-methods', `GET ${ONE}/payment-methods`, VIEW, (call) => {
    const invoice = getInvoice(call);
    const isWhole = call.query.get('onlyAccountedPayments') === 'false';
    return invoice.prompts.map((prompt) => presentMethod(invoice, prompt, isWhole));
  }),
  apiRoute('invoices/status', `POST ${ONE}/status`, MODIFY, markInvoice),
  apiRoute('invoices/refund', `POST ${ONE}/refund`, REFUND, (call) =>
    presentPullPayment(call.btcpay.refunds.create(getInvoice(call), call.body, call.origin)),
  ),
];

function getInvoice({ btcpay, id }: Call): InvoiceRecord {
  const invoice = btcpay.world.invoices.get(id);
  if (invoice === undefined) throw new Refusal(404, 'invoice-not-found', 'The invoice was not found');
  return btcpay.invoices.watch(invoice);
}

function present({ storeId, query }: Call, invoice: InvoiceRecord): Record<string, unknown> {
  const shown = presentInvoice(invoice, storeId);
  if (query.get('includePaymentMethods') !== 'true') return shown;
  return { ...shown, paymentMethods: invoice.prompts.map((prompt) => presentMethod(invoice, prompt, false)) };
}

/** Newest first. Times are unix seconds; orderId and status may be given several times. */
function listInvoices(call: Call): unknown {
  const { btcpay, query } = call;
  const problems = new Problems();
  const [start, end] = [readNumber(query, 'startDate'), readNumber(query, 'endDate')];
  if (start !== null && end !== null && start > end) {
    problems.add('startDate', 'startDate should not be above endDate');
    problems.add('endDate', 'endDate should not be below startDate');
  }
  problems.throwIfAny();
  const orderIds = query.getAll('orderId');
  const statuses = query.getAll('status').map((status) => status.toLowerCase());
  const text = query.get('textSearch');
  const found = newestFirst(btcpay.world.invoices)
    .filter((invoice) => query.get('includeArchived') === 'true' || !invoice.is_archived)
    .filter((invoice) => orderIds.length === 0 || orderIds.includes(orderIdOf(invoice.metadata) ?? ''))
    .filter((invoice) => start === null || invoice.created_at_ms >= start * 1_000)
    .filter((invoice) => end === null || invoice.created_at_ms <= end * 1_000)
    .filter((invoice) => text === null || searchTermsOf(invoice).some((term) => term.startsWith(text)))
    .map((invoice) => btcpay.invoices.watch(invoice))
    .filter((invoice) => statuses.length === 0 || statuses.includes(invoice.status.toLowerCase()));
  const skip = readNumber(query, 'skip') ?? 0;
  return found.slice(skip, skip + (readNumber(query, 'take') ?? MOST)).map((invoice) => present(call, invoice));
}

function searchTermsOf(invoice: InvoiceRecord): string[] {
  const paid = invoice.payments.flatMap(({ id, destination }) => [id, destination]);
  return [invoice.id, orderIdOf(invoice.metadata) ?? '', ...invoice.search_terms, ...paid];
}

function readNumber(query: URLSearchParams, name: string): number | null {
  const text = query.get(name);
  if (text === null) return null;
  if (!/^\d{1,12}$/.test(text)) throw new Invalid([{ path: name, message: `The value '${text}' is not valid.` }]);
  return Number(text);
}

function updateInvoice(call: Call): unknown {
  const invoice = getInvoice(call);
  const given = updateBody.parse(call.body);
  if (given.metadata != null) invoice.metadata = given.metadata;
  call.btcpay.invoices.save(invoice);
  return present(call, invoice);
}

function archive(call: Call, isArchived: boolean): unknown {
  const invoice = getInvoice(call);
  if (!isArchived && !invoice.is_archived) {
    throw new Refusal(400, 'already-unarchived', 'Invoice is already unarchived');
  }
  invoice.is_archived = isArchived;
  call.btcpay.invoices.save(invoice);
  return isArchived ? undefined : present(call, invoice);
}

function markInvoice(call: Call): unknown {
  const invoice = getInvoice(call);
  const { status } = statusBody.parse(call.body);
  if (call.btcpay.invoices.mark(invoice, status)) return present(call, invoice);
  const message = 'Status can only be marked to invalid or settled within certain conditions.';
  throw new Invalid([{ path: 'Status', message }]);
}
