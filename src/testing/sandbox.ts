import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  SimFaults,
  SimPayForm,
  SimPayResult,
  SimSubscription,
  SimTransaction,
  SimUser,
} from '../sandbox/control.ts';

/** What tests ask of a running sandbox, over its control protocol. A refusal throws with the sandbox's code. */
export type SandboxControl = ReturnType<typeof controlSandbox>;

export function controlSandbox(url: string) {
  const ask = async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`${url}/sim${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return answer as Answer;
  };
  return {
    /** Any other call of the control protocol (src/sandbox/control.ts). */
    ask,
    createUser: (user: Partial<SimUser>) => ask<SimUser>('POST', '/users', user),
    changeUser: (id: number, change: Partial<SimUser>) => ask<SimUser>('PATCH', `/users/${id}`, change),
    /** Opens the pay sheet of a link and pays. */
    pay: async (link: string, userId: number): Promise<SimPayResult> => {
      const slug = link.slice(link.indexOf('$') + 1);
      const form = await ask<SimPayForm>('POST', `/invoices/${slug}/form`, { user_id: userId });
      return ask<SimPayResult>('POST', `/invoices/${slug}/pay`, { user_id: userId, form_id: form.form_id });
    },
    subscriptions: (userId: number) => ask<SimSubscription[]>('GET', `/users/${userId}/subscriptions`),
    cancelSubscription: (id: string) => ask<SimSubscription>('POST', `/subscriptions/${encodeURIComponent(id)}/cancel`),
    restoreSubscription: (id: string) =>
      ask<SimSubscription>('POST', `/subscriptions/${encodeURIComponent(id)}/restore`),
    transactions: (userId: number) => ask<SimTransaction[]>('GET', `/transactions?user_id=${userId}`),
    refundByStore: (chargeId: string) => ask<object>('POST', '/refunds', { charge_id: chargeId }),
    setFaults: (faults: SimFaults) => ask<SimFaults>('PUT', '/faults', faults),
    launch: (userId: number, authAgeSeconds = 0) =>
      ask<{ init_data: string }>('POST', '/webapp/launch', {
        user_id: userId,
        url: 'http://localhost:3000/',
        auth_age_seconds: authAgeSeconds,
      }).then(({ init_data }) => init_data),
    advance: (seconds: number) =>
      ask<{ nowMs: number; offsetMs: number }>('POST', '/clock', { advance_seconds: seconds }),
  };
}

export type Door = { url: string; close(): Promise<void> };
type DoorAnswer = { status: number; contentType: string; body: string };

/** A webhook address for the sandbox: hands each request to `handle`; what `handle` throws becomes a 500. */
export async function openDoor(
  handle: (headers: Record<string, string | undefined>, body: Uint8Array, path: string) => Promise<DoorAnswer>,
): Promise<Door> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      handle(headers, Buffer.concat(chunks), request.url ?? '/').then(
        ({ body, contentType, status }) => response.writeHead(status, { 'content-type': contentType }).end(body),
        () => response.writeHead(500).end(),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
