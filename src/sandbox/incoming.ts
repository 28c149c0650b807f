import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimPeer, SimProviderFault } from './control.ts';
import type { Surroundings } from './surroundings.ts';

const DEFAULT_DELAY_MS = 2_000;
const KINDS: ReadonlySet<SimProviderFault['kind']> = new Set([
  'lost_answer',
  'lost_request',
  'delay',
  'malformed',
  'http_error',
  'unavailable',
  'timeout',
  'rate_limited',
]);

/** What a provider's API answers; no body when it is undefined. */
export type ApiAnswer = { status: number; body?: unknown };

export type IncomingCall = {
  peer: SimPeer;
  /** For the wire log and for faults. */
  name: string;
  /** The request as the wire log shows it, without secrets. */
  request: unknown;
  response: ServerResponse;
  surroundings: Surroundings;
  answer: () => ApiAnswer;
  /** The provider's words for an answer that a fault makes. */
  refuse: (status: number) => ApiAnswer;
};

/** Answers one call of the application to a provider's API: wire log and faults. */
export async function answerCall(call: IncomingCall): Promise<void> {
  const { traffic, faults } = call.surroundings;
  const mark = traffic.begin('from_bot', call.name, JSON.stringify(call.request), call.peer);
  const fault = faults.takeForProvider(call.peer, call.name, KINDS);
  if (fault?.kind === 'delay') await sleep(fault.delay_ms ?? DEFAULT_DELAY_MS);
  if (fault?.kind === 'lost_request') {
    mark.end('no_answer', '');
    call.response.destroy();
    return;
  }
  // The connection stays open until the application gives up.
  if (fault?.kind === 'timeout') return mark.end('no_answer', '');
  const answer = refusalOf(fault, call) ?? call.answer();
  const whole = answer.body === undefined ? '' : JSON.stringify(answer.body);
  const json = fault?.kind === 'malformed' ? whole.slice(0, whole.length / 2) : whole;
  mark.end(fault?.kind === 'lost_answer' ? 'no_answer' : answer.status, json);
  if (fault?.kind === 'lost_answer') {
    call.response.destroy();
    return;
  }
  call.response.writeHead(answer.status, {
    ...(json === '' ? {} : { 'content-type': 'application/json; charset=utf-8' }),
    ...(fault?.kind === 'rate_limited' ? { 'retry-after': '1' } : {}),
    'content-length': Buffer.byteLength(json),
  });
  call.response.end(json);
}

function refusalOf(fault: SimProviderFault | null, { refuse }: IncomingCall): ApiAnswer | null {
  switch (fault?.kind) {
    case 'unavailable':
      return refuse(503);
    case 'rate_limited':
      return refuse(429);
    case 'http_error':
      return refuse(fault.http_status ?? 500);
    default:
      return null;
  }
}
