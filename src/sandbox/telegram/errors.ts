/** A refusal by the Bot API. `description` is the exact text, prefix included. */
export class ApiError extends Error {
  readonly code: number;
  readonly description: string;
  readonly retryAfter: number | undefined;

  constructor(code: number, description: string, retryAfter?: number) {
    super(description);
    this.code = code;
    this.description = description;
    this.retryAfter = retryAfter;
  }
}

/** For callback and pre-checkout queries that are unknown, answered already or over. */
export const QUERY_TOO_OLD = 'query is too old and response timeout expired or query ID is invalid';

/** 400 with Telegram's spelling rule: the first letter becomes small unless the text is an UPPER_CASE code. */
export function badRequest(text: string): ApiError {
  return new ApiError(400, `Bad Request: ${spell(text)}`);
}

/** 403, by the same rule. */
export function forbidden(text: string): ApiError {
  return new ApiError(403, `Forbidden: ${spell(text)}`);
}

function spell(text: string): string {
  return /^.[A-Z_]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}
