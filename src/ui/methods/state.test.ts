import { describe, expect, it } from 'vitest';
import type { OpenAddingView } from '#api/views.ts';
import { AT_THE_CARD, type Flow, type FlowEvent, NOTHING_SEEN, reduceFlow, stateOf } from '#ui/methods/state.ts';
import type { Problem } from '#ui/problem.ts';

const client = { endpoint: 'https://checkout.example/api', publicId: 'x' };

function adding(change: Partial<OpenAddingView> = {}): OpenAddingView {
  return { provider: 'payme', status: 'adding', url: null, client, card: null, ...change };
}

function problem(change: Partial<Problem> = {}): Problem {
  return { kind: 'unavailable', reason: null, text: 'In words.', requestId: null, retryAfterSeconds: null, ...change };
}

describe('what the page shows', () => {
  const kindOf = (change: Partial<OpenAddingView>) => stateOf({ adding: adding(change), problem: null }).kind;

  it.each([
    [{}, 'card'],
    [{ url: 'https://checkout.example', client: null }, 'page'],
    [{ status: 'confirming', client: null, card: { brand: 'uzcard', last4: '6311' } }, 'nearly'],
    [{ status: 'confirming', client: null }, 'elsewhere'],
    [{ status: 'active', client: null, card: { brand: 'uzcard', last4: '6311' } }, 'done'],
    [{ status: 'removed', client: null }, 'removed'],
    [{ client: null }, 'removed'],
  ] as const)('%j is %s', (change, kind) => expect(kindOf(change)).toBe(kind));

  it('begins with nothing, and tells an unknown link from trouble', () => {
    expect(stateOf(NOTHING_SEEN).kind).toBe('loading');
    for (const kind of ['not_found', 'invalid'] as const)
      expect(stateOf({ adding: null, problem: problem({ kind }) }).kind).toBe('unknown');
    expect(stateOf({ adding: null, problem: problem() }).kind).toBe('trouble');
    expect(stateOf({ adding: adding(), problem: problem() }).kind).toBe('card');
  });
});

describe('storing a card', () => {
  const SENT: FlowEvent = { type: 'sent', sent: { token: 'first', phone: null, waitMs: 0 } };
  const ASKING: FlowEvent = { type: 'asking' };
  const refused = (failure: NonNullable<Flow['failure']>): FlowEvent => ({ type: 'refused', failure });
  const run = (...events: readonly FlowEvent[]) => events.reduce(reduceFlow, AT_THE_CARD);

  it('goes from the card to the code, and counts the codes', () => {
    expect(run(ASKING)).toMatchObject({ isBusy: true, sent: null });
    expect(run(ASKING, SENT)).toMatchObject({ isBusy: false, sent: { token: 'first' }, codes: 1 });
    expect(run(ASKING, SENT, ASKING, SENT)).toMatchObject({ codes: 2, failure: null });
  });

  it('stays where it is after a refusal', () => {
    expect(run(ASKING, refused('card_wrong'))).toMatchObject({ isBusy: false, failure: 'card_wrong', sent: null });
    expect(run(ASKING, SENT, ASKING, refused('code_wrong'))).toMatchObject({ failure: 'code_wrong', codes: 1 });
    expect(run(ASKING, refused('card_wrong'), ASKING).failure).toBeNull();
  });

  it('begins again after too many codes, and for another card', () => {
    expect(run(ASKING, SENT, ASKING, refused('too_many'))).toEqual({ ...AT_THE_CARD, failure: 'too_many' });
    expect(run(ASKING, SENT, { type: 'other_card' })).toEqual(AT_THE_CARD);
  });

  it('keeps what the provider gave when our server could not be told', () => {
    const kept = { token: 'newest', code: null };
    const lost: FlowEvent = { type: 'failed', problem: problem({ kind: 'network' }) };
    expect(run(ASKING, SENT, ASKING, { type: 'kept', kept }, lost)).toMatchObject({ kept, isBusy: false });
  });

  it('takes the provider’s no, told by our server, for a wrong code', () => {
    const declined: FlowEvent = { type: 'failed', problem: problem({ reason: 'provider_declined' }) };
    const withCode = run(ASKING, SENT, ASKING, { type: 'kept', kept: { token: 'first', code: '1' } }, declined);
    expect(withCode).toMatchObject({ failure: 'code_wrong', kept: null, problem: null, sent: { token: 'first' } });
    const without = run(ASKING, SENT, ASKING, { type: 'kept', kept: { token: 'newest', code: null } }, declined);
    expect(without).toMatchObject({ failure: 'refused', kept: null });
  });
});
