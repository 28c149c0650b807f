import { addMethod } from '#domain/payment-method/add.ts';
import { claimMethod } from '#domain/payment-method/claim.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import { finishOpenAdding, type OpenAdding } from '#domain/payment-method/open-adding.ts';
import { listMethods } from '#domain/payment-method/records.ts';
import type { StoredCard, StoredMethods } from '#domain/provider/contract.ts';
import { makeSecret } from '#lib/crypto.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { type makeRail, RAIL } from './rail.ts';
import type { Buyer, World } from './world.ts';

/*
 * A rail that keeps cards, and the people around it: who begins, the browser in which a card is given, who claims it.
 */

/** What a card is told by, apart from its token. */
export const CARD = { brand: 'visa', last4: '4242', expires: '2030-12' } as const;

/** The token that the rail gives for the card of a method. */
export const tokenOf = (methodId: string) => `tok_secret_${methodId}`;

/** The card that was given on the page of a method. */
export const cardOf = (reference: string | null): StoredCard => ({
  ...CARD,
  token: tokenOf(reference?.replace('seti_', '') ?? 'none'),
});

export function makeKeeper(world: World, rail: ReturnType<typeof makeRail>) {
  /** By method: what the address holds by which its page leads back. */
  const backs = new Map<string, string>();

  /** How the provider keeps methods from now on: on its page, unless `change` says otherwise. */
  function keeping(change: Partial<StoredMethods> = {}): void {
    rail.change({
      storedMethods: {
        method: 'credit_card',
        currencies: ['USD'],
        begin: async ({ id, returnUrl }) => {
          backs.set(id, new URL(returnUrl).searchParams.get('back') ?? '');
          return { url: `https://pay.example/add/${id}`, reference: `seti_${id}`, client: null };
        },
        confirm: async ({ reference }) => cardOf(reference),
        remove: async () => undefined,
        ...change,
      },
    });
  }

  const as = (buyer: Buyer) => rail.in(buyer.ctx);
  const stranger = () => rail.in(world.as({ kind: 'stranger' }));
  const add = (buyer: Buyer) => addMethod(as(buyer), { userId: buyer.id, providerId: RAIL, language: 'en' });

  /** A browser that finishes what was begun, and knows nothing but the link unless `rest` says so. */
  const finish = (
    methodId: string,
    rest: { token?: string; code?: string; secret?: string; back?: string } = {},
  ): Promise<OpenAdding> => {
    const { back = null, code = null, secret = makeSecret(), token = null } = rest;
    return finishOpenAdding(stranger(), { methodId, token, code, secret, back });
  };

  /** A browser comes back from the page on which a card was given. @returns its secret. */
  const give = async (methodId: string): Promise<string> => {
    const secret = makeSecret();
    await finish(methodId, { secret, back: backs.get(methodId) ?? '' });
    return secret;
  };

  return {
    keeping,
    as,
    stranger,
    add,
    finish,
    backOf: (methodId: string) => backs.get(methodId) ?? '',
    /** In the name of the owner, who brings a token or asks what came of the page. */
    confirm: (buyer: Buyer, methodId: string, { token, code }: { token?: string; code?: string } = {}) =>
      confirmMethod(as(buyer), { methodId, token: token ?? null, code: code ?? null }),
    claim: (buyer: Buyer, methodId: string, secret: string) => claimMethod(as(buyer), { methodId, secret }),
    give,
    /** From the beginning to a card that can be used. */
    async stored(buyer: Buyer): Promise<string> {
      const { id } = await add(buyer);
      await claimMethod(as(buyer), { methodId: id, secret: await give(id) });
      return id;
    },
    listed: async (buyer: Buyer) => (await listMethods(as(buyer), buyer.id)).map(({ id }) => id),
    rowOf: async (id: string) => {
      const [row] = await world.sql<{ status: string; sealed: Buffer | null; whole: string }>(
        'SELECT status::text, sealed, m::text AS whole FROM payment_method m WHERE id = $1',
        [id],
      );
      return row;
    },
    jobsOf: (id: string) => world.sql<{ name: string }>('SELECT name FROM job WHERE lane = $1', [`method:${id}`]),
    hint: (reference: string | null) => ({
      hint: { invoiceId: null, reference: reference && TEST_VAULT.reveal(reference), chargeId: null },
      eventId: rail.name('evt'),
    }),
  };
}

/** Why something was refused, or `done`. */
export const reasonOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => 'done',
    (error: { reason?: string }) => error.reason,
  );
