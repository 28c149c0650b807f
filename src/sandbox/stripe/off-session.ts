import { SimError } from '../errors.ts';
import { ApiError, invalid, unexpectedState } from './api-error.ts';
import { AUTHENTICATION_REQUIRED, type Decline, findCard } from './cards.ts';
import type { Means } from './charges.ts';
import type { Customers } from './customers.ts';
import { asksPayer, type Intents } from './intents.ts';
import { LARGEST_AMOUNT, leastAmount } from './money.ts';
import type { Cause, PaymentIntent, PaymentMethod } from './objects.ts';
import type { Params } from './params.ts';
import type { World } from './world.ts';

type Parts = { world: World; intents: Intents; customers: Customers };
type Given = Params<'createIntent'>;

/** `POST /v1/payment_intents`: charges a stored payment method, while the payer is there or away. @throws ApiError */
export function createIntent({ world, intents, customers }: Parts, given: Given, cause: Cause): PaymentIntent {
  judgeAmount(given);
  const customer = given.customer === undefined ? null : customers.get(given.customer, 'customer');
  const method =
    given.payment_method === undefined ? null : customers.getMethod(given.payment_method, 'payment_method');
  if (method !== null && method.customer !== (customer?.id ?? null)) {
    throw invalid(
      `The provided PaymentMethod (${method.id}) does not belong to the Customer of this PaymentIntent. Please include the Customer in the \`customer\` parameter, or attach the PaymentMethod first.`,
      'payment_method',
    );
  }
  if (given.off_session === true && given.confirm !== true) {
    throw invalid('`off_session` can only be used together with `confirm=true`.', 'off_session');
  }
  if (given.confirm === true && method === null) {
    throw unexpectedState(
      "You cannot confirm this PaymentIntent because it's missing a payment method.",
      'payment_intent_unexpected_state',
    );
  }
  const intent = intents.open(
    {
      amount: given.amount,
      currency: given.currency,
      customer: customer?.id ?? null,
      payment_method_types: ['card', 'link'],
      allowed_payment_method_types: given.allowed_payment_method_types ?? null,
      automatic_payment_methods: { enabled: true, allow_redirects: 'always' },
      capture_method: given.capture_method ?? 'automatic_async',
      metadata: given.metadata ?? {},
      description: given.description ?? null,
      receipt_email: given.receipt_email ?? null,
      setup_future_usage: null,
      statement_descriptor: given.statement_descriptor ?? null,
      statement_descriptor_suffix: given.statement_descriptor_suffix ?? null,
    },
    cause,
  );
  if (method !== null) confirm({ world, intents, customers }, intent, { method, given }, cause);
  return intent;
}

/** The payer's answer to their bank, on the page that a charge without Checkout led them to. @throws SimError */
export function answerBank({ world, intents }: Parts, intent: PaymentIntent, isGiven: boolean, cause: Cause): void {
  const method = world.methods.get(intent.payment_method ?? '');
  const isAsked = intent.next_action?.redirect_to_url !== undefined && world.sessionOf(intent.id) === undefined;
  if (method === undefined || !isAsked) {
    throw new SimError(409, 'NO_CHALLENGE', 'No bank asks anything about this payment.');
  }
  if (!isGiven) return void intents.failChallenge(intent, method, cause);
  const card = findCard(world.cardNumbers.get(method.id) ?? '');
  intents.charge(intent, { method, isAuthenticated: true, ...(card === undefined ? {} : { card }) }, cause);
}

function judgeAmount({ amount, currency }: Given): void {
  if (amount < leastAmount(currency)) {
    throw invalid(`Amount must be at least ${leastAmount(currency)} ${currency}`, 'amount', 'amount_too_small');
  }
  if (amount > LARGEST_AMOUNT) {
    throw invalid(`Amount must be no more than ${LARGEST_AMOUNT} ${currency}`, 'amount', 'amount_too_large');
  }
}

function confirm(
  { world, intents }: Parts,
  intent: PaymentIntent,
  { method, given }: { method: PaymentMethod; given: Given },
  cause: Cause,
): void {
  if (given.confirm !== true) {
    intent.status = 'requires_confirmation';
    intent.payment_method = method.id;
    return intents.save(intent);
  }
  const card = findCard(world.cardNumbers.get(method.id) ?? '');
  const means: Means = { method, ...(card === undefined ? {} : { card }) };
  const isAsked = card !== undefined && asksPayer(card, method.customer !== null);
  if (isAsked && given.off_session !== true && given.return_url !== undefined) {
    const url = `${cause.origin}/stripe/bank/${intent.id}`;
    return intents.challenge(intent, method, { url, returnUrl: given.return_url }, cause);
  }
  if (isAsked) intents.decline(intent, means, AUTHENTICATION_REQUIRED, cause);
  const decline = isAsked ? AUTHENTICATION_REQUIRED : intents.charge(intent, means, cause);
  if (decline !== null) throw cardError(decline, intent, method);
}

/** 402, with the payment and what it was tried with. */
function cardError(decline: Decline, intent: PaymentIntent, method: PaymentMethod): ApiError {
  return new ApiError(402, 'card_error', decline.message, {
    code: decline.code,
    ...(decline.decline_code === undefined ? {} : { decline_code: decline.decline_code }),
    charge: intent.latest_charge ?? '',
    payment_intent: structuredClone(intent),
    payment_method: structuredClone(method),
  });
}
