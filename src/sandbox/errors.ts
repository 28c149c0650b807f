/** A refusal to a person's client or on the control API: an UPPER_CASE code and plain words. */
export class SimError extends Error {
  readonly status: 400 | 404 | 409;
  readonly code: string;

  constructor(status: 400 | 404 | 409, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
