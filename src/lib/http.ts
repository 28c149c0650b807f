/** The answer of another server: status, JSON body, headers. */
export type JsonAnswer = Readonly<{ status: number; body: unknown; retryAfterSeconds: number | undefined }>;

/** Nothing came back: the connection failed, took too long, or the answer was not JSON. Whether the work was done is not known. */
export class NoAnswerError extends Error {
  constructor(cause: unknown) {
    super('no answer', { cause });
    this.name = 'NoAnswerError';
  }
}

const MAX_ANSWER_BYTES = 4_000_000;

/** Posts JSON and reads the JSON answer, whatever its status. Throws NoAnswerError after `timeoutMs` or on a broken connection. */
export async function postJson(url: string, body: unknown, timeoutMs: number): Promise<JsonAnswer> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    if (text.length > MAX_ANSWER_BYTES) throw new RangeError('answer too large');
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
    return {
      status: response.status,
      body: JSON.parse(text),
      retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
    };
  } catch (error) {
    throw new NoAnswerError(error);
  }
}

/** Whether an address of a connection (`socket.remoteAddress`) is this machine's own. */
export function isLoopback(address: string | undefined): boolean {
  return /^(::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/.test(address ?? '');
}
