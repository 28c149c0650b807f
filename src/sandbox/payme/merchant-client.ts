import type { SimProviderStep } from '../control-payme-click.ts';
import { Outgoing, type Sending, type Wire } from '../outgoing.ts';
import type { Surroundings } from '../surroundings.ts';
import { type Answer, isSameAnswer, judgeReply, type Method } from './answers.ts';
import type { World } from './world.ts';

/** The documentation leaves the login to support; every published implementation has this one. */
const LOGIN = 'Paycom';
const WRONG_KEY = 'not-the-key-of-this-cash-register';

export type Call<M extends Method> = { method: M; params: Record<string, unknown> };
export type Called<M extends Method> = { answer: Answer<M>; step: SimProviderStep };

/** Calls the application's Merchant API as Payme's server does. */
export class MerchantClient {
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly outgoing: Outgoing;

  constructor(surroundings: Surroundings, world: World) {
    this.#surroundings = surroundings;
    this.#world = world;
    this.outgoing = new Outgoing('payme', surroundings);
  }

  /** One try: for a payer, or a cabinet, who waits. */
  async ask<M extends Method>(call: Call<M>): Promise<Called<M>> {
    const { id, sending } = this.#prepare(call);
    const replies = await this.outgoing.send(sending);
    return this.#conclude(
      call.method,
      replies.map((reply) => judgeReply(call.method, id, reply)),
      1,
    );
  }

  /** Tries until the application has answered, or gives up. Each try repeats the same bytes. */
  async insist<M extends Method>(call: Call<M>): Promise<Called<M>> {
    const { id, sending } = this.#prepare(call);
    const judge = (replies: readonly Parameters<typeof judgeReply>[2][]): Answer<M>[] =>
      replies.map((reply) => judgeReply(call.method, id, reply));
    const { replies, tries } = await this.outgoing.insist(sending, (all) =>
      judge(all).some(({ kind }) => kind !== 'unavailable'),
    );
    return this.#conclude(call.method, judge(replies), tries);
  }

  #prepare<M extends Method>({ method, params }: Call<M>): { id: number; sending: Sending } {
    const id = this.#world.nextNumber('request');
    const compose = (bend: 'wrong_auth' | 'amount_changed' | null): Wire => {
      const key = bend === 'wrong_auth' ? WRONG_KEY : this.#surroundings.options.paymeKey;
      const changed = bend === 'amount_changed' ? { ...params, amount: Number(params['amount']) + 1 } : params;
      return {
        headers: {
          'content-type': 'text/json; charset=UTF-8',
          authorization: `Basic ${Buffer.from(`${LOGIN}:${key}`).toString('base64')}`,
        },
        body: JSON.stringify({ method, params: changed, id }),
      };
    };
    return { id, sending: { name: method, compose, hasAmount: 'amount' in params } };
  }

  #conclude<M extends Method>(method: M, answers: Answer<M>[], tries: number): Called<M> {
    const answer = answers.find(({ kind }) => kind !== 'unavailable') ?? (answers[0] as Answer<M>);
    const other = answers.find((one) => one !== answer && one.kind !== 'unavailable');
    if (other !== undefined && !isSameAnswer(answer, other)) {
      answer.complaints.push(`${method}: two requests at the same moment were answered differently`);
    }
    const detail = answer.kind === 'unavailable' || answer.kind === 'malformed' ? { note: answer.detail } : {};
    return {
      answer,
      step: {
        atMs: this.#surroundings.clock.nowMs(),
        name: method,
        is_repeat: false,
        tries,
        outcome: answer.kind === 'result' ? 'accepted' : answer.kind === 'error' ? 'refused' : answer.kind,
        ...(answer.raw === null ? {} : { answer: answer.raw }),
        ...detail,
      },
    };
  }
}
