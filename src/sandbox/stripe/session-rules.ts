import { invalid } from './api-error.ts';
import { LARGEST_AMOUNT, leastAmount } from './money.ts';
import { METHOD_TYPES, type MethodType } from './objects.ts';
import type { Params } from './params.ts';

const SHORTEST_SECONDS = 30 * 60;
/** How long a session lives, unless it is told to end before. */
export const LONGEST_SECONDS = 24 * 3_600;
const TRANSFER_CURRENCY = { jp_bank_transfer: 'jpy', us_bank_transfer: 'usd', eu_bank_transfer: 'eur' } as const;

export type Given = Params<'createSession'>;

/** Rules between the parameters, which the types do not tell. */
export function judgeForm(given: Given, now: number): void {
  if (given.mode === 'subscription') throw invalid('The sandbox does not simulate mode subscription.', 'mode');
  if (given.ui_mode !== undefined && given.ui_mode !== 'hosted_page') {
    throw invalid('The sandbox simulates only ui_mode hosted_page.', 'ui_mode');
  }
  if (given.success_url === undefined)
    throw invalid('Missing required param: success_url.', 'success_url', 'parameter_missing');
  if (given.customer !== undefined && given.customer_email !== undefined) {
    throw invalid('You may only specify one of these parameters: customer, customer_email.', 'customer_email');
  }
  if (given.customer !== undefined && given.customer_creation !== undefined) {
    throw invalid('`customer_creation` cannot be used together with `customer`.', 'customer_creation');
  }
  const { expires_at: end } = given;
  if (end !== undefined && (end < now + SHORTEST_SECONDS || end > now + LONGEST_SECONDS)) {
    throw invalid(
      `The \`expires_at\` timestamp must be ${end < now + SHORTEST_SECONDS ? 'at least 30 minutes' : 'less than 24 hours'} from Checkout Session creation.`,
      'expires_at',
    );
  }
  if (given.mode === 'setup') judgeSetup(given);
  else judgePayment(given);
}

function judgeSetup(given: Given): void {
  for (const name of ['line_items', 'payment_intent_data', 'submit_type'] as const) {
    if (given[name] !== undefined) throw invalid(`You can not pass \`${name}\` in \`setup\` mode.`, name);
  }
  if (given.currency === undefined && given.allowed_payment_method_types === undefined) {
    throw invalid('Missing required param: currency.', 'currency', 'parameter_missing');
  }
}

function judgePayment(given: Given): void {
  if (given.setup_intent_data !== undefined) {
    throw invalid('You can not pass `setup_intent_data` in `payment` mode.', 'setup_intent_data');
  }
  if (given.line_items === undefined)
    throw invalid('Missing required param: line_items.', 'line_items', 'parameter_missing');
  const currencies = new Set(given.line_items.map(({ price_data: { currency } }) => currency));
  if (given.currency !== undefined) currencies.add(given.currency);
  if (currencies.size > 1) {
    throw invalid('All line items must have the same currency.', 'line_items');
  }
  const { amount, currency } = sumOf(given) as Total;
  if (amount < leastAmount(currency)) {
    throw invalid(
      `The Checkout Session's total amount due must add up to at least ${leastAmount(currency)} ${currency}`,
      'line_items',
      'amount_too_small',
    );
  }
  if (amount > LARGEST_AMOUNT) {
    throw invalid(
      `The total amount must be no more than ${LARGEST_AMOUNT} ${currency}`,
      'line_items',
      'amount_too_large',
    );
  }
  judgeTransfer(given, currency);
}

function judgeTransfer(given: Given, currency: string): void {
  const param = 'payment_method_options[customer_balance]';
  const transfer = given.payment_method_options?.customer_balance;
  const isWanted = given.allowed_payment_method_types?.includes('customer_balance') === true || transfer !== undefined;
  if (!isWanted) return;
  if (given.customer === undefined) {
    throw invalid('`customer_balance` payments need an existing `customer`.', 'customer', 'parameter_missing');
  }
  const type = transfer?.bank_transfer?.type;
  if (type === undefined)
    throw invalid(`Missing required param: ${param}[bank_transfer][type].`, param, 'parameter_missing');
  if (TRANSFER_CURRENCY[type] !== currency) {
    throw invalid(`Bank transfers of type ${type} cannot be made in ${currency}.`, `${param}[bank_transfer][type]`);
  }
  if (type === 'eu_bank_transfer' && transfer?.bank_transfer?.eu_bank_transfer === undefined) {
    const missed = `${param}[bank_transfer][eu_bank_transfer][country]`;
    throw invalid(`Missing required param: ${missed}.`, missed, 'parameter_missing');
  }
}

export type Total = { amount: number; currency: string };

export function sumOf({ line_items: items }: Given): Total | undefined {
  const currency = items?.[0]?.price_data.currency;
  if (items === undefined || currency === undefined) return undefined;
  return {
    currency,
    amount: items.reduce((sum, { price_data, quantity }) => sum + price_data.unit_amount * quantity, 0),
  };
}

/** What the account has switched on and fits the session, filtered by what the request allows. */
export function eligibleTypes(given: Given, currency: string | undefined): MethodType[] {
  const isSaving = given.payment_intent_data?.setup_future_usage !== undefined;
  const fits: Record<MethodType, boolean> = {
    card: true,
    link: true,
    konbini: given.mode === 'payment' && currency === 'jpy' && !isSaving,
    customer_balance:
      given.mode === 'payment' && !isSaving && given.payment_method_options?.customer_balance !== undefined,
  };
  const { allowed_payment_method_types: allowed, excluded_payment_method_types: excluded } = given;
  const types = METHOD_TYPES.filter(
    (type) => fits[type] && (allowed?.includes(type) ?? true) && excluded?.includes(type) !== true,
  );
  if (types.length > 0) return types;
  throw invalid(
    'No valid payment method types for this Checkout Session. Please ensure that you have activated payment methods compatible with your chosen currency and mode.',
    'allowed_payment_method_types',
  );
}
