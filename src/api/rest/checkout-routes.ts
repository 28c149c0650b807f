import { z } from '@hono/zod-openapi';
import { PlanTexts } from '#domain/catalog/rules.ts';
import type { OrderDetails } from '#domain/checkout/details.ts';
import { type BuyerName, type LoadedCheckout, type LoadedPrice, loadCheckout } from '#domain/checkout/load.ts';
import { startCheckout } from '#domain/checkout/start.ts';
import type { Ctx } from '#domain/context/context.ts';
import { AppError } from '#domain/errors.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import type { Language } from '#domain/identity/rules.ts';
import type { Method, Surface } from '#domain/provider/capability.ts';
import { splitRevenue } from '#domain/revenue/rules.ts';
import { languageOfUser, partsOf } from '../present.ts';
import { IntervalName } from './catalog-routes.ts';
import { chooseItem, type ItemWish } from './item.ts';
import { type Named, nameOf, requireNamed } from './person.ts';
import { defineRoute, type Route } from './route.ts';
import {
  CurrencyCode,
  DETAIL_FIELDS,
  FeePart,
  IdText,
  Instant,
  MethodName,
  MONEY_FIELDS,
  moneyFields,
  PERSON_FIELDS,
  percentage,
  Success,
} from './schemas.ts';

/** Minor units: a JSON integer as in the older systems, or digits as a string. */
export const AmountInput = z
  .union([z.number().int().positive().max(Number.MAX_SAFE_INTEGER), z.string().regex(/^[1-9][0-9]{0,17}$/)])
  .transform((amount) => BigInt(amount))
  .openapi({
    type: 'integer',
    description: 'Minor units (for Stars: stars); must be what the catalogue asks',
    example: 150,
  });

/** A percentage with at most two decimals, as basis points. Read from its digits: 2.9 × 100 is not 290 in a float. */
const PercentageInput = z
  .number()
  .min(0)
  .max(100)
  .refine((value) => /^\d{1,3}(\.\d{1,2})?$/.test(String(value)))
  .transform((value) => {
    const [whole = '0', decimals = ''] = String(value).split('.');
    return Number(whole) * 100 + Number(decimals.padEnd(2, '0'));
  })
  .openapi({ type: 'number', example: 30 });

const EXPIRY = z.number().int().min(1).max(1440).optional().openapi({
  description: 'Minutes until the order can no longer be paid; at most 60 have an effect',
  example: 30,
});

const ProviderName = IdText.optional().openapi({
  description: 'One of those that take the method; else the first that can',
  example: 'payme',
});

const CreateBody = z
  .strictObject({
    amount: AmountInput,
    currency: CurrencyCode,
    payment_method: MethodName.default('telegram_stars'),
    provider: ProviderName,
    ...PERSON_FIELDS,
    item_type: z.enum(['plan', 'plugin']).optional(),
    item_id: IdText.openapi({ description: 'Id of a price, id or code of a plan or plugin', example: 'personal-pro' }),
    interval: IntervalName.optional().openapi({
      description: 'Which price of the plan; else the one with this amount',
    }),
    ...DETAIL_FIELDS,
    enable_revenue_sharing: z.boolean().optional().openapi({
      description: 'Sharing follows the catalogue; false is refused for the product of a developer',
    }),
    developer_user_id: IdText.optional().openapi({ description: 'Must be the product’s developer' }),
    platform_fee_percentage: PercentageInput.optional().openapi({
      description: 'Servers only, for a developer’s product without a fee of its own',
    }),
    expires_in_minutes: EXPIRY,
    log_to_personal_server: z.boolean().optional().openapi({
      description:
        'False: the record of this order (and of its renewals) is sealed and can be read in the app, but is not delivered to the buyer’s personal log. An order that is open already keeps what it was opened with',
    }),
    encrypt_billing_data: z.boolean().optional().openapi({
      description:
        'Accepted and without effect: the details of a payment are always encrypted to the buyer, also when this is false',
    }),
  })
  .openapi('CreatePayment');

const SubscribeBody = z
  .strictObject({
    plan_id: IdText.openapi({ description: 'Id or code of the plan', example: 'personal-pro' }),
    interval: z.enum(['month', 'year']).default('month'),
    currency: CurrencyCode.default('XTR'),
    payment_method: MethodName.default('telegram_stars'),
    provider: ProviderName,
    ...PERSON_FIELDS,
    expires_in_minutes: EXPIRY,
  })
  .openapi('CreateSubscription');

const Checkout = z
  .object({
    success: Success,
    payment_id: z.string().openapi({
      description: 'Id of the order; ask payment/payments/{id} for its state',
      example: 'inv_01kahw9d6xq3v7c0mtz8b5r2ny',
    }),
    status: z.literal('open'),
    is_resumed: z.boolean().openapi({ description: 'The same person had this order open already' }),
    payment_url: z.url().nullable().openapi({ example: 'https://t.me/$Xq3v7c0mtz8b5r2nyAAA' }),
    checkout_url: z.url().openapi({
      description: 'A page of ours for browsers, with every way to pay this order and its state',
      example: 'https://pay.example.com/pay/inv_01kahw9d6xq3v7c0mtz8b5r2ny',
    }),
    telegram_invoice_payload: z.string(),
    provider: z.string().openapi({ example: 'telegram-stars' }),
    passed_over: z.array(z.string()).openapi({ description: 'Providers that come first and do not answer at present' }),
    ...MONEY_FIELDS,
    item: z.object({
      type: z.enum(['plan', 'plugin']),
      price_id: z.string(),
      plan_id: z.string(),
      plan_code: z.string(),
      product_code: z.string(),
      name: z.string(),
      interval: IntervalName,
    }),
    fees: z.array(FeePart).openapi({ description: 'Where the money goes; the parts sum to the amount' }),
    expires_at: Instant,
    estimated_processing_time_minutes: z.number().int(),
    personal_log_recorded: z.boolean().openapi({
      description:
        'Whether the record will be delivered: the order asks for it, the buyer’s log is on, and their group or the chat with the bot can be written to. Without a key of theirs it waits until they add one',
    }),
    billing_data_encrypted: z.literal(true).openapi({
      description:
        'The details are kept encrypted to the buyer’s OpenPGP key, or to their own data key until they add one',
    }),
  })
  .openapi('Checkout');

type CheckoutAnswer = z.input<typeof Checkout>;
type Order = Readonly<{
  wish: ItemWish;
  named: Named;
  method: Method;
  providerId: string | undefined;
  fee: FeeWish;
  expiresInMinutes: number | undefined;
  isLogged: boolean;
  details: OrderDetails;
}>;

/** Opens the order and says all a caller needs to have it paid. */
async function openOrder(ctx: Ctx, order: Order, asked: Language): Promise<CheckoutAnswer> {
  const { loaded, price, buyer } = await findOrder(ctx, order, asked);
  const { plan, product } = loaded;
  const language = languageOfUser(buyer);
  const feeBps = judgeFee(order.fee, {
    developerUserId: product.developerUserId,
    productFeeBps: product.platformFeeBps,
    effectiveFeeBps: product.platformFeeBps ?? ctx.policy.platformFeeBps,
    isServer: ctx.actor.kind === 'api_key',
  });
  const request = {
    userId: buyer.id,
    priceId: price.id,
    surface: surfaceOf(ctx),
    method: order.method,
    ...(order.providerId !== undefined && { providerId: order.providerId }),
    language,
    isLogged: order.isLogged,
    details: order.details,
    terms: {
      ...(feeBps !== null && { platformFeeBps: feeBps }),
      ...(order.expiresInMinutes !== undefined && { expiresInMinutes: order.expiresInMinutes }),
    },
  };
  const opened = await startCheckout(ctx, request, loaded);
  const capability = ctx.providers
    .get(opened.providerId)
    ?.accepts.find((can) => can.method === order.method && can.currency === price.currency);
  if (!capability) throw new AppError('internal', 'provider_misconfigured');
  const split = splitRevenue(price, {
    processor: capability.fee,
    platformFeeBps: opened.platformFeeBps,
    hasDeveloper: product.developerUserId !== null,
  });
  return {
    success: true,
    payment_id: opened.invoiceId,
    status: 'open',
    is_resumed: opened.isResumed,
    payment_url: opened.url,
    checkout_url: `${ctx.policy.publicUrl}/pay/${opened.invoiceId}`,
    telegram_invoice_payload: opened.invoiceId,
    provider: opened.providerId,
    passed_over: [...opened.passedOver],
    ...moneyFields(price, language),
    item: {
      type: product.kind === 'plugin' ? 'plugin' : 'plan',
      price_id: price.id,
      plan_id: plan.id,
      plan_code: plan.code,
      product_code: product.code,
      name: PlanTexts.parse(plan.texts)[language].name,
      interval: price.interval,
    },
    fees: partsOf(split).map(({ party, amount, bps }) => ({
      party,
      ...moneyFields({ amount, currency: price.currency }, language),
      percentage: percentage(bps),
    })),
    expires_at: opened.expiresAt.toISOString(),
    estimated_processing_time_minutes: capability.settlesInMinutes,
    personal_log_recorded: opened.isLogged && buyer.takesRecords,
    billing_data_encrypted: true,
  };
}

type FoundOrder = Readonly<{
  loaded: LoadedCheckout;
  price: LoadedPrice;
  buyer: NonNullable<LoadedCheckout['buyer']>;
}>;

/** Finds what is bought by whom. A server may name a Telegram user we never met: they are known from then on. */
export async function findOrder(
  ctx: Ctx,
  { named, wish }: Pick<Order, 'named' | 'wish'>,
  asked: Language,
): Promise<FoundOrder> {
  const name = nameOf(ctx, named, 'payments:write');
  const load = (buyer: BuyerName) =>
    loadCheckout(ctx, { item: wish.itemId, isProduct: wish.itemType === 'plugin', buyer });
  let loaded = await load(name);
  const price = chooseItem(loaded, wish);
  if (loaded?.buyer === null && 'telegramId' in name && ctx.actor.kind === 'api_key') {
    const user = await ensureUser(ctx, { telegramId: name.telegramId, languageCode: asked });
    loaded = await load({ userId: user.id });
  }
  if (!loaded) throw new AppError('not_found', 'plan_not_found');
  return { loaded, price, buyer: requireNamed(ctx, loaded.buyer, named, 'payments:write') };
}

/** Where a caller's buyer stands. Sessions come from the Mini App; a server's order is paid wherever it shows the link. */
export function surfaceOf(ctx: Ctx): Surface {
  return ctx.actor.kind === 'api_key' ? 'api' : 'mini_app';
}

type FeeWish = Readonly<{
  feeBps?: number | undefined;
  developerUserId?: string | undefined;
  isSharing?: boolean | undefined;
}>;

/**
 * The platform's fee that an order asks for, null to leave it as the catalogue has it. A share that the catalogue promises
 * to a developer cannot be taken away while ordering: `fee_not_settable`.
 */
export function judgeFee(
  wish: FeeWish,
  terms: { developerUserId: string | null; productFeeBps: number | null; effectiveFeeBps: number; isServer: boolean },
): number | null {
  const refusal = () => new AppError('invalid', 'fee_not_settable');
  if (wish.developerUserId !== undefined && wish.developerUserId !== terms.developerUserId) throw refusal();
  if (wish.isSharing === false && terms.developerUserId !== null) throw refusal();
  if (wish.feeBps === undefined || wish.feeBps === terms.effectiveFeeBps) return null;
  const isSettable = terms.isServer && terms.developerUserId !== null && terms.productFeeBps === null;
  if (!isSettable) throw refusal();
  return wish.feeBps;
}

const createRoute = defineRoute({
  method: 'post',
  path: '/api/v1/payments/create',
  access: { kind: 'person', scope: 'payments:write' },
  tag: 'Payments',
  summary: 'Open an order and get the link to pay it',
  description:
    'Amount and currency must be what the catalogue asks. The same person and price again answers the order that is still open; another way to pay takes the place of the one before, also of a transfer of which nothing has come. At most five attempts per person and minute (429 with Retry-After).',
  body: CreateBody,
  answer: { status: 201, description: 'The open order', schema: Checkout },
  refusals: [404, 409, 412, 429, 503],
  run: ({ ctx, body, language }) =>
    openOrder(
      ctx,
      {
        wish: {
          itemId: body.item_id,
          itemType: body.item_type,
          amount: body.amount,
          currency: body.currency,
          interval: body.interval,
        },
        named: named(body),
        method: body.payment_method,
        providerId: body.provider,
        fee: {
          feeBps: body.platform_fee_percentage,
          developerUserId: body.developer_user_id,
          isSharing: body.enable_revenue_sharing,
        },
        expiresInMinutes: body.expires_in_minutes,
        isLogged: body.log_to_personal_server ?? true,
        details: { description: body.description, metadata: body.metadata },
      },
      language,
    ),
});

const subscribeRoute = defineRoute({
  method: 'post',
  path: '/api/v1/payment/subscriptions',
  access: { kind: 'person', scope: 'payments:write' },
  tag: 'Subscriptions',
  summary: 'Open the order of a subscription',
  description: 'A monthly plan renews by itself every 30 days from the first payment; a yearly one is paid once.',
  body: SubscribeBody,
  answer: { status: 201, description: 'The open order', schema: Checkout },
  refusals: [404, 409, 412, 429, 503],
  run: ({ ctx, body, language }) =>
    openOrder(
      ctx,
      {
        wish: { itemId: body.plan_id, itemType: 'plan', currency: body.currency, interval: body.interval },
        named: named(body),
        method: body.payment_method,
        providerId: body.provider,
        fee: {},
        expiresInMinutes: body.expires_in_minutes,
        isLogged: true,
        details: {},
      },
      language,
    ),
});

export function named(body: Named): Named {
  return { user_id: body.user_id, customer_telegram_id: body.customer_telegram_id };
}

/** What starts a purchase. */
export const checkoutRoutes: ReadonlyArray<Route> = [createRoute, subscribeRoute];
