import { z } from '@hono/zod-openapi';
import { getInvoice } from '#domain/checkout/records.ts';
import type { Ctx } from '#domain/context/context.ts';
import type { Language } from '#domain/identity/rules.ts';
import { addMethod } from '#domain/payment-method/add.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import { listMethods, type StoredMethod } from '#domain/payment-method/records.ts';
import { removeMethod } from '#domain/payment-method/remove.ts';
import { PAYMENT_FAILURES, PROGRESSES } from '#domain/provider/event.ts';
import { payStored } from '#domain/reconciliation/pay-stored.ts';
import { languageOfUser } from '../present.ts';
import { showInvoice } from '../show.ts';
import type { InvoiceView } from '../views.ts';
import { refuseCardData } from './card-data.ts';
import { IntervalName } from './catalog-routes.ts';
import { AmountInput, findOrder, named, surfaceOf } from './checkout-routes.ts';
import { asSystem, resolvePerson } from './person.ts';
import { defineRoute, type Route } from './route.ts';
import {
  CurrencyCode,
  IdText,
  Instant,
  MethodName,
  MONEY_FIELDS,
  PERSON_FIELDS,
  PERSON_QUERY,
  Success,
} from './schemas.ts';

const MethodResource = z
  .object({
    payment_method_id: z.string().openapi({ example: 'pmt_01kahw9d6xq3v7c0mtz8b5r2ny' }),
    status: z.enum(['confirming', 'active']).openapi({
      description: 'confirming: the person has yet to say in Telegram that it is theirs; until then it pays nothing',
    }),
    provider: z.string().openapi({ example: 'stripe' }),
    payment_method: MethodName,
    brand: z.string().openapi({ description: 'Empty while it is confirming, as is last4', example: 'visa' }),
    last4: z.string().openapi({ example: '4242' }),
    expires: z.string().nullable().openapi({ description: 'YYYY-MM, where the provider says it', example: '2029-04' }),
    created_at: Instant,
  })
  .openapi('PaymentMethod');

const MethodList = z
  .object({ success: Success, user_id: z.string(), payment_methods: z.array(MethodResource) })
  .openapi('PaymentMethodList');

const Adding = z
  .object({
    success: Success,
    payment_method_id: z.string(),
    provider: z.string(),
    setup_url: z.url().nullable().openapi({ description: 'The provider’s page where the person enters their card' }),
    client_endpoint: z.url().nullable().openapi({
      description: 'Where the person’s own client gets a token from the provider, when there is no page',
    }),
    client_public_id: z.string().nullable().openapi({ description: 'By which public id it asks there' }),
    page_url: z.url().openapi({ description: 'A page of ours that does either, for a day, without a session' }),
  })
  .openapi('AddingPaymentMethod');

const OneMethod = z
  .object({
    success: Success,
    status: z.enum(['adding', 'confirming', 'active']).openapi({
      description:
        'adding: the person has not finished. confirming: they have yet to say in Telegram that it is theirs',
    }),
    payment_method: MethodResource.nullable(),
  })
  .openapi('OnePaymentMethod');

function methodResource(method: StoredMethod): z.input<typeof MethodResource> {
  return {
    payment_method_id: method.id,
    status: method.status,
    provider: method.provider,
    payment_method: method.method,
    brand: method.brand,
    last4: method.last4,
    expires: method.expires,
    created_at: method.createdAt.toISOString(),
  };
}

const NO_CARD_DATA =
  'Card data go from the person to the provider: a body that carries a card number or security code is refused (card_data_refused) and not kept.';

const addRoute = defineRoute({
  method: 'post',
  path: '/api/v1/payment/methods',
  access: { kind: 'person', scope: 'payments:write' },
  tag: 'Payment methods',
  summary: 'Begin to store a payment method',
  description: NO_CARD_DATA,
  body: z
    .strictObject({ ...PERSON_FIELDS, provider: IdText.openapi({ example: 'stripe' }) })
    .openapi('AddPaymentMethod'),
  answer: { status: 201, description: 'Where the person goes on', schema: Adding },
  refusals: [404, 412, 503],
  guard: refuseCardData,
  run: async ({ ctx, body }) => {
    const person = await resolvePerson(ctx, named(body), 'payments:write');
    const language = languageOfUser(person);
    const { client, id, provider, url } = await addMethod(ctx, {
      userId: person.id,
      providerId: body.provider,
      language,
    });
    return {
      success: true as const,
      payment_method_id: id,
      provider,
      setup_url: url,
      client_endpoint: client?.endpoint ?? null,
      client_public_id: client?.publicId ?? null,
      page_url: `${ctx.policy.publicUrl}/methods/${id}`,
    };
  },
});

const listRoute = defineRoute({
  method: 'get',
  path: '/api/v1/payment/methods',
  access: { kind: 'person', scope: 'payments:read' },
  tag: 'Payment methods',
  summary: 'Stored payment methods of one person, newest first',
  query: z.object(PERSON_QUERY),
  answer: { status: 200, description: 'Those that are active pay', schema: MethodList },
  refusals: [404],
  run: async ({ ctx, query }) => {
    const person = await resolvePerson(ctx, query, 'payments:read');
    const methods = await listMethods(ctx, person.id);
    return { success: true as const, user_id: person.id, payment_methods: methods.map(methodResource) };
  },
});

const confirmRoute = defineRoute({
  method: 'post',
  path: '/api/v1/payment/methods/{id}/confirm',
  access: { kind: 'person', scope: 'payments:write' },
  tag: 'Payment methods',
  summary: 'Finish storing a payment method',
  description: `After the provider’s page, or with the token that the person’s client got from the provider. Only a person’s own session that brings the token makes it active. From anyone else it is confirming, until the person opens the Mini App from the client in which they gave their card, by https://t.me/<bot>?startapp=card_<payment_method_id>_<secret>; after a day it is forgotten. ${NO_CARD_DATA}`,
  params: z.object({ id: IdText }),
  body: z
    .strictObject({
      token: z.string().min(1).max(500).optional(),
      code: z
        .string()
        .regex(/^[0-9]{3,10}$/)
        .optional()
        .openapi({ description: 'The code of the provider’s SMS, where it is asked for here' }),
      secret: z
        .string()
        .regex(/^[\w-]{22}$/)
        .optional()
        .openapi({
          description: 'Needed with a token from a server: 16 random bytes in base64url, for that client alone',
        }),
    })
    .openapi('ConfirmPaymentMethod'),
  answer: { status: 200, description: 'The method, once it is stored', schema: OneMethod },
  refusals: [404, 409, 412, 503],
  guard: refuseCardData,
  run: async ({ ctx, params, body }) => {
    const { code = null, secret = null, token = null } = body;
    const method = await confirmMethod(ctx, { methodId: params.id, token, code, secret });
    return {
      success: true as const,
      status: method?.status ?? ('adding' as const),
      payment_method: method && methodResource(method),
    };
  },
});

const removeRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/payment/methods/{id}',
  access: { kind: 'person', scope: 'payments:write' },
  tag: 'Payment methods',
  summary: 'Remove a stored payment method',
  description: 'From this moment nobody can pay with it; its provider forgets it afterwards. Removing twice is fine.',
  params: z.object({ id: IdText }),
  body: z.strictObject({}),
  answer: {
    status: 200,
    description: 'It is removed',
    schema: z.object({ success: Success, payment_method_id: z.string() }).openapi('RemovedPaymentMethod'),
  },
  refusals: [404],
  run: async ({ ctx, params }) => {
    await removeMethod(ctx, params.id);
    return { success: true as const, payment_method_id: params.id };
  },
});

const ProcessBody = z
  .strictObject({
    payment_method_id: IdText,
    amount: AmountInput,
    currency: CurrencyCode,
    ...PERSON_FIELDS,
    item_type: z.enum(['plan', 'plugin']).optional(),
    item_id: IdText.openapi({ description: 'Id of a price, id or code of a plan or plugin', example: 'personal-pro' }),
    interval: IntervalName.optional(),
  })
  .openapi('ProcessPayment');

/** What became of a charge. */
const Processed = z
  .object({
    success: Success,
    payment_id: z.string().openapi({
      description: 'Id of the order; ask payment/payments/{id} for its state',
      example: 'inv_01kahw9d6xq3v7c0mtz8b5r2ny',
    }),
    status: z.enum(['paid', 'pending', 'failed', 'requires_action']).openapi({
      description: 'requires_action: the person must confirm it at confirmation_url',
    }),
    ...MONEY_FIELDS,
    confirmation_url: z.url().nullable(),
    checkout_url: z.url().openapi({ description: 'A page of ours with the state and every other way to pay' }),
    progress: z.enum(PROGRESSES).nullable().openapi({ description: 'What money that is on its way waits for' }),
    failure: z
      .object({ code: z.enum(PAYMENT_FAILURES), text: z.string() })
      .nullable()
      .openapi({ description: 'Why it failed, with one next step' }),
  })
  .openapi('ProcessedPayment');

const processRoute = defineRoute({
  method: 'post',
  path: '/api/v1/payment/process',
  access: { kind: 'person', scope: 'payments:write' },
  tag: 'Payment methods',
  summary: 'Pay with a stored payment method',
  description: `Opens the order and charges the method, and waits five seconds at most for what became of it. Amount, currency, Idempotency-Key and the limit of attempts are as with create. ${NO_CARD_DATA}`,
  body: ProcessBody,
  answer: { status: 201, description: 'The order and what became of the charge', schema: Processed },
  refusals: [404, 409, 412, 429, 503],
  guard: refuseCardData,
  run: async ({ ctx, body, language }) => processPayment(ctx, body, language),
});

async function processPayment(
  ctx: Ctx,
  body: z.output<typeof ProcessBody>,
  asked: Language,
): Promise<z.input<typeof Processed>> {
  const { amount, currency, interval, item_id: itemId, item_type: itemType } = body;
  const wish = { itemId, itemType, amount, currency, interval };
  const { buyer, price } = await findOrder(ctx, { named: named(body), wish }, asked);
  const language = languageOfUser(buyer);
  const invoiceId = await payStored(ctx, {
    methodId: body.payment_method_id,
    userId: buyer.id,
    priceId: price.id,
    surface: surfaceOf(ctx),
    language,
  });
  // Whoever may pay may see what became of it; the key need not have payments:read as well.
  const view = await showInvoice(ctx, await getInvoice(asSystem(ctx), invoiceId), {
    language,
    surface: surfaceOf(ctx),
  });
  const status = statusOf(view);
  return {
    success: true,
    payment_id: invoiceId,
    status,
    amount: view.price.money.amount,
    currency: view.price.money.currency,
    amount_text: view.price.money.text,
    confirmation_url: status === 'requires_action' ? view.url : null,
    checkout_url: `${ctx.policy.publicUrl}/pay/${invoiceId}`,
    progress: view.pending?.progress ?? null,
    failure: view.failure && { code: view.failure.failure, text: view.failure.text },
  };
}

/** A charge that nobody has said anything of yet is on its way. */
function statusOf({ failure, pending, status, url }: InvoiceView): z.input<typeof Processed>['status'] {
  if (status === 'paid') return 'paid';
  if (pending) return 'pending';
  if (url !== null) return 'requires_action';
  return failure || status !== 'open' ? 'failed' : 'pending';
}

/** What providers keep for a person, and paying with it. */
export const methodRoutes: ReadonlyArray<Route> = [addRoute, listRoute, confirmRoute, removeRoute, processRoute];
