/** `{ code, message }` with its HTTP status; the code may be null. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;

  constructor(status: number, code: string | null, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** 422: what is wrong with the fields of a request. */
export class Invalid extends Error {
  readonly problems: readonly { path: string; message: string }[];

  constructor(problems: readonly { path: string; message: string }[]) {
    super('The request is not valid.');
    this.problems = problems;
  }
}

/** Collects what is wrong, so that one answer names all of it. */
export class Problems {
  readonly #found: { path: string; message: string }[] = [];

  add(path: string, message: string): void {
    this.#found.push({ path, message });
  }

  /** @throws Invalid */
  throwIfAny(): void {
    if (this.#found.length > 0) throw new Invalid(this.#found);
  }
}
