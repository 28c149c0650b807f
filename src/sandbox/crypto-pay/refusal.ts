/** An error of the API: its HTTP status and name. */
export class Refusal extends Error {
  readonly status: number;

  constructor(name: string, status = 400) {
    super(name);
    this.status = status;
  }
}
