type Kind = 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';

export type ErrorFields = {
  code?: string;
  decline_code?: string;
  param?: string;
  charge?: string;
  advice_code?: string;
  payment_intent?: unknown;
  payment_method?: unknown;
};

/** A refusal in Stripe's words: `{ error: { type, message, code, … } }`. */
export class ApiError extends Error {
  readonly status: number;
  readonly kind: Kind;
  readonly fields: ErrorFields;
  readonly retryAfterSeconds: number | null;

  constructor(status: number, kind: Kind, message: string, fields: ErrorFields = {}, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.kind = kind;
    this.fields = fields;
    this.retryAfterSeconds = retryAfterSeconds ?? null;
  }

  /** A request that is wrong in itself is not remembered under its `Idempotency-Key`; the outcome of one that was carried out is. */
  get isRemembered(): boolean {
    return this.status !== 429 && this.status !== 409 && this.fields.param === undefined;
  }

  get body(): Record<string, unknown> {
    const { code } = this.fields;
    const doc =
      code === undefined ? {} : { doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}` };
    return { error: { message: this.message, type: this.kind, ...this.fields, ...doc } };
  }
}

/** 400: the request is wrong. `param` is named as Stripe writes it: `line_items[0][quantity]`. */
export function invalid(message: string, param?: string, code?: string): ApiError {
  return new ApiError(400, 'invalid_request_error', message, {
    ...(code === undefined ? {} : { code }),
    ...(param === undefined ? {} : { param }),
  });
}

/** 400: the request is right and the object is not in a state for it. */
export function unexpectedState(message: string, code: string): ApiError {
  return new ApiError(400, 'invalid_request_error', message, { code });
}

/** 404, or 400 where the id stands in a parameter. */
export function missing(what: string, id: string, param = 'id'): ApiError {
  return new ApiError(param === 'id' ? 404 : 400, 'invalid_request_error', `No such ${what}: '${id}'`, {
    code: 'resource_missing',
    param,
  });
}
