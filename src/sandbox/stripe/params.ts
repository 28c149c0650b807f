import { z } from 'zod';
import { type ApiError, invalid } from './api-error.ts';
import type { FormValue } from './form.ts';
import { METHOD_TYPES } from './objects.ts';

const METADATA_KEYS = 50;

/** A text; Stripe reads an empty one as "unset". */
const text = (most = 5_000) => z.string().max(most);
const int = z
  .string()
  .regex(/^-?\d{1,15}$/, 'integer')
  .transform(Number);
const bool = z.enum(['true', 'false'], 'boolean').transform((value) => value === 'true');
const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/, 'currency')
  .toLowerCase();
const url = z.string().refine((value) => URL.canParse(value) && /^https?:\/\//.test(value), 'url');
const metadata = z
  .record(text(40), text(500))
  .refine((value) => Object.keys(value).length <= METADATA_KEYS, 'metadata')
  .or(z.literal('').transform(() => ({})));
const expand = z.array(z.string()).max(20).optional();
const updates = z.enum(['auto', 'never']).optional();
const futureUsage = z.enum(['off_session', 'on_session']);

const range = z.union([
  int.transform((value) => ({ gte: value, lte: value })),
  z.strictObject({ gt: int.optional(), gte: int.optional(), lt: int.optional(), lte: int.optional() }),
]);
const page = {
  limit: int.pipe(z.number().min(1, 'limit').max(100, 'limit')).default(10),
  starting_after: text().optional(),
  ending_before: text().optional(),
  created: range.optional(),
  expand,
};

const bankTransfer = z.strictObject({
  type: z.enum(['jp_bank_transfer', 'us_bank_transfer', 'eu_bank_transfer']),
  eu_bank_transfer: z.strictObject({ country: z.enum(['BE', 'DE', 'ES', 'FR', 'IE', 'NL']) }).optional(),
});
const lineItem = z.strictObject({
  quantity: int.pipe(z.number().min(1).max(999_999)),
  price_data: z.strictObject({
    currency,
    unit_amount: int.pipe(z.number().min(0).max(99_999_999)),
    product_data: z.strictObject({
      name: text(250).min(1),
      description: text().optional(),
      images: z.array(url).max(8).optional(),
      metadata: metadata.optional(),
      tax_code: text().optional(),
    }),
    tax_behavior: z.enum(['exclusive', 'inclusive', 'unspecified']).optional(),
  }),
});

const captureMethod = z.enum(['automatic', 'automatic_async']);

/** The parameters of each request that are simulated; every other is refused as unknown. */
export const params = {
  none: z.strictObject({ expand }),
  createSession: z.strictObject({
    adaptive_pricing: z.strictObject({ enabled: bool }).optional(),
    allowed_payment_method_types: z.array(text(50)).min(1).optional(),
    excluded_payment_method_types: z.array(text(50)).optional(),
    billing_address_collection: z.enum(['auto', 'required']).optional(),
    cancel_url: url.optional(),
    client_reference_id: text(200).optional(),
    currency: currency.optional(),
    customer: text().optional(),
    customer_creation: z.enum(['always', 'if_required']).optional(),
    customer_email: text(800).optional(),
    customer_update: z.strictObject({ address: updates, name: updates, shipping: updates }).optional(),
    expand,
    expires_at: int.optional(),
    line_items: z.array(lineItem).min(1).max(100).optional(),
    locale: z.enum(['auto', 'de', 'en', 'en-GB', 'es', 'fr', 'ja', 'ko', 'ru', 'tr', 'zh']).optional(),
    metadata: metadata.optional(),
    mode: z.enum(['payment', 'setup', 'subscription']),
    origin_context: z.enum(['mobile_app', 'web']).optional(),
    payment_intent_data: z
      .strictObject({
        capture_method: captureMethod.optional(),
        description: text(1_000).optional(),
        metadata: metadata.optional(),
        receipt_email: text(800).optional(),
        setup_future_usage: futureUsage.optional(),
        statement_descriptor: text(22).optional(),
        statement_descriptor_suffix: text(22).optional(),
      })
      .optional(),
    payment_method_options: z
      .strictObject({
        card: z
          .strictObject({
            request_three_d_secure: z.enum(['automatic', 'any', 'challenge']).optional(),
            setup_future_usage: futureUsage.optional(),
          })
          .optional(),
        customer_balance: z
          .strictObject({ funding_type: z.literal('bank_transfer'), bank_transfer: bankTransfer.optional() })
          .optional(),
        konbini: z.strictObject({ expires_after_days: int.pipe(z.number().min(1).max(60)).optional() }).optional(),
      })
      .optional(),
    setup_intent_data: z
      .strictObject({ description: text(1_000).optional(), metadata: metadata.optional() })
      .optional(),
    saved_payment_method_options: z
      .strictObject({
        allow_redisplay_filters: z.array(z.enum(['always', 'limited', 'unspecified'])).optional(),
        payment_method_remove: z.enum(['enabled', 'disabled']).optional(),
        payment_method_save: z.enum(['enabled', 'disabled']).optional(),
      })
      .optional(),
    submit_type: z.enum(['auto', 'book', 'donate', 'pay']).optional(),
    success_url: url.optional(),
    ui_mode: z.enum(['elements', 'embedded_page', 'form', 'hosted_page']).optional(),
    wallet_options: z
      .strictObject({ link: z.strictObject({ display: z.enum(['auto', 'never']).optional() }).optional() })
      .optional(),
  }),
  listSessions: z.strictObject({
    ...page,
    customer: text().optional(),
    payment_intent: text().optional(),
    status: z.enum(['open', 'complete', 'expired']).optional(),
  }),
  createIntent: z.strictObject({
    allowed_payment_method_types: z.array(text(50)).min(1).optional(),
    amount: int.pipe(z.number()),
    automatic_payment_methods: z
      .strictObject({ enabled: bool, allow_redirects: z.enum(['always', 'never']).optional() })
      .optional(),
    capture_method: captureMethod.optional(),
    confirm: bool.optional(),
    currency,
    customer: text().optional(),
    description: text(1_000).optional(),
    error_on_requires_action: bool.optional(),
    expand,
    metadata: metadata.optional(),
    off_session: bool.optional(),
    payment_method: text().optional(),
    receipt_email: text(800).optional(),
    return_url: url.optional(),
    statement_descriptor: text(22).optional(),
    statement_descriptor_suffix: text(22).optional(),
  }),
  listIntents: z.strictObject({ ...page, customer: text().optional() }),
  cancelIntent: z.strictObject({
    cancellation_reason: z.enum(['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer']).optional(),
    expand,
  }),
  listCharges: z.strictObject({ ...page, customer: text().optional(), payment_intent: text().optional() }),
  createRefund: z.strictObject({
    amount: int.optional(),
    charge: text().optional(),
    expand,
    instructions_email: text(800).optional(),
    metadata: metadata.optional(),
    payment_intent: text().optional(),
    reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
  }),
  listOfCharge: z.strictObject({ ...page, charge: text().optional(), payment_intent: text().optional() }),
  listBalance: z.strictObject({
    ...page,
    currency: currency.optional(),
    source: text().optional(),
    type: text().optional(),
  }),
  writeCustomer: z.strictObject({
    description: text(1_000).optional(),
    email: text(512).optional(),
    expand,
    metadata: metadata.optional(),
    name: text(256).optional(),
    phone: text(20).optional(),
    preferred_locales: z.array(text(20)).optional(),
    invoice_settings: z.strictObject({ default_payment_method: text() }).optional(),
  }),
  listCustomers: z.strictObject({ ...page, email: text(512).optional() }),
  listMethods: z.strictObject({ ...page, type: z.enum(METHOD_TYPES).optional() }),
  attachMethod: z.strictObject({ customer: text(), expand }),
  listEvents: z.strictObject({
    ...page,
    delivery_success: bool.optional(),
    type: text().optional(),
    types: z.array(text()).max(20).optional(),
  }),
};

export type Params<Name extends keyof typeof params> = z.output<(typeof params)[Name]>;

/** Reads the parameters of one kind of request. @throws ApiError in Stripe's words, naming the first mistake */
export function readParams<Name extends keyof typeof params>(
  name: Name,
  form: Record<string, FormValue>,
): Params<Name> {
  refuseRemoved(form);
  const read = params[name].safeParse(form);
  if (read.success) return read.data as Params<Name>;
  throw toApiError(read.error.issues[0] as z.core.$ZodIssue, form);
}

/** Gone since 2026-09-30.endive. */
function refuseRemoved(form: Record<string, FormValue>): void {
  if (form['payment_method_types'] === undefined) return;
  throw invalid(
    'The `payment_method_types` parameter is no longer supported. Use `allowed_payment_method_types` instead.',
    'payment_method_types',
    'payment_method_types_no_longer_supported',
  );
}

function toApiError(issue: z.core.$ZodIssue, form: Record<string, FormValue>): ApiError {
  const name = nameOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const unknown = nameOf([...issue.path, issue.keys[0] ?? '']);
    return invalid(`Received unknown parameter: ${unknown}`, unknown, 'parameter_unknown');
  }
  if (issue.code === 'invalid_union') {
    const inner = issue.errors.flat().find(({ path }) => path.length > 0) ?? issue.errors.flat()[0];
    if (inner !== undefined) return toApiError({ ...inner, path: [...issue.path, ...inner.path] }, form);
  }
  const given = valueAt(form, issue.path);
  if (given === undefined) return invalid(`Missing required param: ${name}.`, name, 'parameter_missing');
  const shown = typeof given === 'string' ? given : JSON.stringify(given);
  if (issue.message === 'integer') return invalid(`Invalid integer: ${shown}`, name, 'parameter_invalid_integer');
  if (issue.message === 'boolean') return invalid(`Invalid boolean: ${shown}`, name);
  if (issue.message === 'url') return invalid('Not a valid URL', name, 'url_invalid');
  if (issue.message === 'currency') return invalid(`Invalid currency: ${shown}.`, name);
  if (issue.code === 'invalid_value') {
    return invalid(`Invalid ${name}: must be one of ${issue.values.map(String).join(', ')}`, name);
  }
  return invalid(`Invalid ${name}: ${shown} (${issue.message})`, name);
}

/** `line_items[0][quantity]` */
function nameOf(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (index === 0 ? String(part) : `[${String(part)}]`)).join('');
}

function valueAt(form: FormValue, path: readonly PropertyKey[]): FormValue | undefined {
  let value: FormValue | undefined = form;
  for (const part of path) {
    if (typeof value !== 'object') return undefined;
    value = (value as Record<PropertyKey, FormValue>)[part];
  }
  return value;
}
