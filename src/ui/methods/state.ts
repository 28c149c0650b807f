import type { OpenAddingView } from '#api/views.ts';
import type { CardClient, CardFailure, Kept, Sent } from '#ui/methods/card.ts';
import type { Problem } from '#ui/problem.ts';

/** What is known of the method that is being added. */
export type Seen = Readonly<{ adding: OpenAddingView | null; problem: Problem | null }>;

export const NOTHING_SEEN: Seen = { adding: null, problem: null };

export type AddingState =
  | { kind: 'loading' }
  | { kind: 'trouble'; problem: Problem }
  | { kind: 'unknown' }
  /** It goes on at the provider. */
  | { kind: 'page'; provider: string; url: string }
  /** It goes on here, between this browser and the provider. */
  | { kind: 'card'; provider: string; client: CardClient }
  /** Its provider has the card; the person has yet to say in Telegram that it is theirs. */
  | { kind: 'nearly'; provider: string; card: NonNullable<OpenAddingView['card']> }
  /** Likewise, and the card was given in another browser. */
  | { kind: 'elsewhere' }
  | { kind: 'done'; provider: string; card: NonNullable<OpenAddingView['card']> }
  | { kind: 'removed' };

/** Chooses what to show. A link without a way to go on has been used up. */
export function stateOf({ adding, problem }: Seen): AddingState {
  if (adding === null) {
    if (problem === null) return { kind: 'loading' };
    const isUnknown = problem.kind === 'not_found' || problem.kind === 'invalid';
    return isUnknown ? { kind: 'unknown' } : { kind: 'trouble', problem };
  }
  const { card, client, provider, status, url } = adding;
  if (status === 'active' && card) return { kind: 'done', provider, card };
  if (status === 'confirming') return card ? { kind: 'nearly', provider, card } : { kind: 'elsewhere' };
  if (status === 'adding' && url !== null) return { kind: 'page', provider, url };
  if (status === 'adding' && client !== null) return { kind: 'card', provider, client };
  return { kind: 'removed' };
}

/** Where a card's owner is: typing the card, or the code that was sent for it. */
export type Flow = Readonly<{
  isBusy: boolean;
  failure: CardFailure | null;
  /** Why our own server did not take what the provider gave. */
  problem: Problem | null;
  sent: Sent | null;
  /** How many codes were sent for this card. */
  codes: number;
  /** What the provider gave, to be told to our server; kept so that a lost connection asks for no second code. */
  kept: Kept | null;
}>;

export const AT_THE_CARD: Flow = { isBusy: false, failure: null, problem: null, sent: null, codes: 0, kept: null };

export type FlowEvent =
  | { type: 'asking' }
  | { type: 'sent'; sent: Sent }
  | { type: 'kept'; kept: Kept }
  | { type: 'refused'; failure: CardFailure }
  | { type: 'failed'; problem: Problem }
  | { type: 'other_card' };

/** The next state. */
export function reduceFlow(flow: Flow, event: FlowEvent): Flow {
  switch (event.type) {
    case 'asking':
      return { ...flow, isBusy: true, failure: null, problem: null };
    case 'sent':
      return { ...AT_THE_CARD, sent: event.sent, codes: flow.codes + 1 };
    case 'kept':
      return { ...flow, kept: event.kept };
    case 'refused':
      // After too many wrong codes this card's code is worth nothing: it begins again.
      if (event.failure === 'too_many') return { ...AT_THE_CARD, failure: 'too_many' };
      return { ...flow, isBusy: false, failure: event.failure, problem: null };
    case 'failed':
      return afterProblem(flow, event.problem);
    case 'other_card':
      return AT_THE_CARD;
  }
}

/** The provider's no, told by our server, is about the code that was shown to it; that is not kept. */
function afterProblem(flow: Flow, problem: Problem): Flow {
  const rest = { ...flow, isBusy: false };
  if (problem.reason !== 'provider_declined') return { ...rest, failure: null, problem };
  const failure = flow.kept?.code === null ? 'refused' : 'code_wrong';
  return { ...rest, failure, problem: null, kept: null };
}
