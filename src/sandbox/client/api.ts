import type {
  SimFaults,
  SimGroup,
  SimMessage,
  SimPayForm,
  SimPayResult,
  SimState,
  SimSubscription,
  SimTraffic,
  SimTransaction,
  SimUser,
} from '../control.ts';

/** A refusal of the control interface, or `NETWORK` when the sandbox did not answer at all. */
export class SimRefusal extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.name = 'SimRefusal';
    this.code = code;
    this.status = status;
  }
}

export type LaunchRequest = {
  user_id: number;
  url?: string;
  start_param?: string;
  theme: 'light' | 'dark';
};

type Clock = { nowMs: number; offsetMs: number };

async function readRefusal(response: Response): Promise<SimRefusal> {
  const body: unknown = await response.json().catch(() => undefined);
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const code = typeof fields['error'] === 'string' ? fields['error'] : `HTTP_${response.status}`;
  const message = typeof fields['message'] === 'string' ? fields['message'] : response.statusText;
  return new SimRefusal(code, response.status, message);
}

/** One control request. Throws `SimRefusal`; the body of an answer is trusted, it is our own process. */
async function call<Answer>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'content-type': 'application/json' };
  }
  if (signal) init.signal = signal;
  const response = await fetch(path, init).catch((cause: unknown) => {
    throw new SimRefusal('NETWORK', 0, cause instanceof Error ? cause.message : String(cause));
  });
  if (!response.ok) throw await readRefusal(response);
  return (await response.json()) as Answer;
}

const slugPath = (slug: string, action: 'form' | 'pay') => `/sim/invoices/${encodeURIComponent(slug)}/${action}`;

/** The control protocol (../control.ts), one function per request. All throw `SimRefusal`. */
export const api = {
  state: () => call<SimState>('GET', '/sim/state'),
  reset: () => call<SimState>('POST', '/sim/reset', {}),
  addUser: (user: Partial<SimUser>) => call<SimUser>('POST', '/sim/users', user),
  changeUser: (id: number, change: Partial<SimUser>) => call<SimUser>('PATCH', `/sim/users/${id}`, change),
  messages: (userId: number) => call<SimMessage[]>('GET', `/sim/chats/${userId}/messages`),
  say: (userId: number, text: string) => call<SimMessage>('POST', `/sim/chats/${userId}/text`, { text }),
  press: (userId: number, messageId: number, data: string) =>
    call<unknown>('POST', `/sim/chats/${userId}/callback`, { message_id: messageId, data }),
  share: (userId: number, answer: { request_id: number; group_id?: number; title?: string }) =>
    call<SimGroup>('POST', `/sim/chats/${userId}/share`, answer),
  changeGroup: (id: number, change: Partial<SimGroup>) => call<SimGroup>('PATCH', `/sim/groups/${id}`, change),
  removeTopic: (groupId: number, threadId: number) =>
    call<unknown>('DELETE', `/sim/groups/${groupId}/topics/${threadId}`),
  launch: (request: LaunchRequest) => call<{ url: string; init_data: string }>('POST', '/sim/webapp/launch', request),
  payForm: (slug: string, userId: number) => call<SimPayForm>('POST', slugPath(slug, 'form'), { user_id: userId }),
  pay: (slug: string, userId: number, formId: string, signal: AbortSignal) =>
    call<SimPayResult>('POST', slugPath(slug, 'pay'), { user_id: userId, form_id: formId }, signal),
  subscriptions: (userId: number) => call<SimSubscription[]>('GET', `/sim/users/${userId}/subscriptions`),
  changeSubscription: (id: string, action: 'cancel' | 'restore') =>
    call<SimSubscription>('POST', `/sim/subscriptions/${encodeURIComponent(id)}/${action}`, {}),
  transactions: (userId: number) => call<SimTransaction[]>('GET', `/sim/transactions?user_id=${userId}`),
  refund: (chargeId: string) => call<unknown>('POST', '/sim/refunds', { charge_id: chargeId }),
  advance: (seconds: number) => call<Clock>('POST', '/sim/clock', { advance_seconds: seconds }),
  resetClock: () => call<Clock>('POST', '/sim/clock/reset', {}),
  setFaults: (faults: SimFaults) => call<SimFaults>('PUT', '/sim/faults', faults),
  traffic: () => call<SimTraffic[]>('GET', '/sim/traffic?limit=200'),
};
