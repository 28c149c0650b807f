'use client';
import { useReducer } from 'react';
import type { OpenAddingView } from '#api/views.ts';
import { useWords } from '#ui/i18n.tsx';
import { confirmAdding } from '#ui/methods/api.ts';
import { browserSecrets } from '#ui/methods/browser-secrets.ts';
import { type Card, type CardClient, type CardKeeper, CardRefusal } from '#ui/methods/card.ts';
import { click } from '#ui/methods/click.ts';
import { payme } from '#ui/methods/payme.ts';
import { AT_THE_CARD, type Flow, reduceFlow } from '#ui/methods/state.ts';
import { problemOf } from '#ui/problem.ts';

/** The providers that take a card from this browser. */
const KEEPERS: Readonly<Record<string, CardKeeper>> = { payme, click };

export type CardFlow = Readonly<{
  flow: Flow;
  /** Null for a provider this page has no words for. */
  keeper: CardKeeper | null;
  /** Sends the card to the provider. Resolves with whether it was taken. */
  send: (card: Card) => Promise<boolean>;
  resend: () => void;
  /** Shows the code, and tells our server what the provider gave for it. */
  confirm: (code: string) => void;
  otherCard: () => void;
}>;

/** Stores a card: from this browser to the provider, and what the provider gives for it to our server. */
export function useCardFlow(options: {
  methodId: string;
  provider: string;
  client: CardClient;
  onDone: (adding: OpenAddingView) => void;
}): CardFlow {
  const { client, methodId, onDone, provider } = options;
  const { language } = useWords();
  const [flow, dispatch] = useReducer(reduceFlow, AT_THE_CARD);
  const keeper = KEEPERS[provider] ?? null;

  /** Runs one step; two at a time would ask for two codes. */
  const run = async (step: (keeper: CardKeeper) => Promise<void>): Promise<boolean> => {
    if (flow.isBusy || keeper === null) return false;
    dispatch({ type: 'asking' });
    try {
      await step(keeper);
      return true;
    } catch (error) {
      if (error instanceof CardRefusal) dispatch({ type: 'refused', failure: error.failure });
      else dispatch({ type: 'failed', problem: problemOf(error) });
      return false;
    }
  };

  const { kept, sent } = flow;
  return {
    flow,
    keeper,
    send: (card) => run(async ({ begin }) => dispatch({ type: 'sent', sent: await begin(client, card) })),
    resend: () =>
      void run(async ({ resend }) => {
        if (resend && sent) dispatch({ type: 'sent', sent: await resend(client, sent.token) });
      }),
    confirm: (code) =>
      void run(async ({ finish }) => {
        if (!sent) return;
        const given = kept ?? (await finish(client, sent.token, code));
        dispatch({ type: 'kept', kept: given });
        const answer = given.code === null ? {} : { code: given.code };
        const { secret } = browserSecrets(methodId);
        onDone(await confirmAdding({ methodId, language, token: given.token, secret, ...answer }));
      }),
    otherCard: () => dispatch({ type: 'other_card' }),
  };
}
