/** Complaints about a request as it was sent: `url` with its query, `body` as it went over the wire. */
export function validateRequest(method: string, url: string, body?: string): string[];

/** Complaints about the answer to a request, when it is not an error. */
export function validateAnswer(method: string, url: string, answer: unknown): string[];

/** Complaints about one of Stripe's objects, known by its `object`. */
export function validateObject(object: unknown): string[];

/** Complaints about a snapshot event and what it carries. */
export function validateEvent(event: unknown): string[];
