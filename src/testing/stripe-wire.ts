import {
  validateAnswer,
  validateEvent,
  validateObject,
  validateRequest,
} from '../../scripts/stripe-schema/validate.mjs';

export { validateAnswer, validateEvent, validateObject, validateRequest };

export type StripeWatch = {
  /** For `Stripe.createFetchHttpClient`: sends as usual and checks what goes out and what comes back. */
  fetch: typeof fetch;
  /** What was wrong, with the request it was wrong in. A test expects none at its end. */
  complaints: string[];
};

/**
 * Watches the wire of a real Stripe client:
 * `new Stripe(key, { ...address, httpClient: Stripe.createFetchHttpClient(watch.fetch) })`.
 * It complains instead of throwing, since the client would take a throw for a broken connection and try again.
 */
export function watchStripe(): StripeWatch {
  const complaints: string[] = [];
  const watch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const url = input instanceof Request ? input.url : String(input);
    const method = init?.method ?? 'GET';
    const body = typeof init?.body === 'string' ? init.body : '';
    const note = (found: readonly string[]): void => {
      complaints.push(...found.map((words) => `${method} ${new URL(url).pathname}: ${words}`));
    };
    note(validateRequest(method, url, body));
    const response = await fetch(input, init);
    if (response.ok) {
      note(await readAnswer(response.clone()).then((answer) => validateAnswer(method, url, answer)));
    }
    return response;
  };
  return { fetch: watch, complaints };
}

async function readAnswer(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return `an answer that is no JSON: ${text.slice(0, 80)}`;
  }
}
