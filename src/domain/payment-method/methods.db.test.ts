import { afterEach, describe, expect, it } from 'vitest';
import { payLink } from '#domain/checkout/open-link.ts';
import type { Provider, StoredCard, StoredMethods } from '#domain/provider/contract.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { CARD, cardOf, makeKeeper, reasonOf, tokenOf } from '../../testing/keeper.ts';
import { makeRail, outcomeOf, RAIL } from '../../testing/rail.ts';
import { type Buyer, DAY_MS, openWorld } from '../../testing/world.ts';
import { addMethod } from './add.ts';
import { confirmMethod } from './confirm.ts';
import { openAdding } from './open-adding.ts';
import { payWithMethod } from './pay.ts';
import { listMethods } from './records.ts';
import { forgetMethod, removeMethod } from './remove.ts';
import { MAX_BEGUN, MAX_METHODS, MAX_PAGE_QUESTIONS, MAX_TOKENS_TRIED } from './rules.ts';

const world = openWorld();
const rail = makeRail(world);
const { add, as, confirm, finish, give, hint, jobsOf, keeping, listed, rowOf, stranger, ...keeper } = makeKeeper(
  world,
  rail,
);
const stored = (buyer: Buyer) => keeper.stored(buyer);

afterEach(async () => {
  rail.reset();
  await expectWholeBooks(world.system);
});

describe('a payment method', () => {
  it('is added on the provider’s page, waits for its owner, and shows then what tells it from others', async () => {
    let isDone = false;
    keeping({ confirm: async ({ reference }) => (isDone ? cardOf(reference) : null) });
    const buyer = await world.newBuyer();
    const begun = await add(buyer);
    expect(begun).toEqual({
      id: begun.id,
      provider: RAIL,
      url: `https://pay.example/add/${begun.id}`,
      reference: TEST_VAULT.conceal(`seti_${begun.id}`),
      client: null,
    });
    expect(await confirm(buyer, begun.id)).toBeNull();
    expect(await listed(buyer)).toEqual([]);
    isDone = true;
    const about = { id: begun.id, provider: RAIL, method: 'credit_card', createdAt: world.clock.now() };
    const waiting = { ...about, status: 'confirming', brand: '', last4: '', expires: null };
    expect(await confirm(buyer, begun.id)).toEqual(waiting);
    expect(await listMethods(as(buyer), buyer.id)).toEqual([waiting]);
    const shown = { ...about, ...CARD, status: 'active' };
    expect(await keeper.claim(buyer, begun.id, await give(begun.id))).toEqual(shown);
    // Finishing again asks nobody.
    isDone = false;
    expect(await confirm(buyer, begun.id)).toEqual(shown);
    expect(await listMethods(as(buyer), buyer.id)).toEqual([shown]);
  });

  it('is added by a token that the person’s own client got, with the code of an SMS', async () => {
    const asked: unknown[] = [];
    const client = { endpoint: 'https://pay.example/cards', publicId: 'm_1' };
    keeping({
      begin: async () => ({ url: null, reference: null, client }),
      confirm: async (answer) => {
        asked.push(answer);
        if (answer.code !== '666666') throw new ProviderError('declined', 'WRONG_CODE');
        return { ...CARD, token: rail.name('tok') };
      },
    });
    const buyer = await world.newBuyer();
    const begun = await add(buyer);
    expect(begun).toMatchObject({ url: null, client });
    expect(await confirm(buyer, begun.id)).toBeNull();
    expect(asked).toEqual([]);
    expect(await reasonOf(confirm(buyer, begun.id, { token: 'tok_client', code: '1' }))).toBe('provider_declined');
    expect(await confirm(buyer, begun.id, { token: 'tok_client', code: '666666' })).toMatchObject({
      status: 'active',
      last4: '4242',
    });
    expect(asked[1]).toEqual({ reference: null, token: 'tok_client', code: '666666' });
  });

  it('of a page takes no token that somebody hands in', async () => {
    const asked: Array<string | null> = [];
    keeping({
      confirm: async ({ token }) => {
        asked.push(token);
        return null;
      },
    });
    const buyer = await world.newBuyer();
    const { id } = await add(buyer);
    expect(await confirm(buyer, id, { token: 'tok_of_another' })).toBeNull();
    expect(asked).toEqual([null]);
  });

  it('is finished by the provider’s hint, once however often it is told', async () => {
    keeping();
    const buyer = await world.newBuyer();
    const { id, reference } = await add(buyer);
    await Promise.all([1, 2, 3].map(() => rail.tell(hint(reference))));
    expect(await rowOf(id)).toMatchObject({ status: 'confirming' });
    await keeper.claim(buyer, id, await give(id));
    await rail.tell(hint(reference));
    const actions =
      "SELECT action FROM audit_event WHERE object_id = $1 AND action <> 'payment_method.begun' ORDER BY at, action DESC";
    const [given, added] = [{ action: 'payment_method.given' }, { action: 'payment_method.added' }];
    expect(await world.sql(actions, [id])).toEqual([given, added]);
    await removeMethod(as(buyer), id);
    await rail.tell(hint(reference));
    expect(await listed(buyer)).toEqual([]);
  });

  it('is sealed: neither the database nor what its owner sees holds the token', async () => {
    keeping();
    const buyer = await world.newBuyer();
    const id = await stored(buyer);
    const row = await rowOf(id);
    // Four digits may stand in anything that was drawn: they are looked for where nothing was.
    for (const secret of [tokenOf(id), CARD.brand, '2030-12']) {
      expect(row?.sealed?.includes(secret)).toBe(false);
      expect(row?.whole).not.toContain(secret);
      expect(row?.whole).not.toContain(Buffer.from(secret).toString('hex'));
    }
    expect(row?.sealed?.includes(CARD.last4)).toBe(false);
    expect(JSON.stringify(await listMethods(as(buyer), buyer.id))).not.toContain(tokenOf(id));
    const audit = await world.sql('SELECT data FROM audit_event WHERE object_id = $1', [id]);
    expect(JSON.stringify(audit)).not.toMatch(/tok_|"4242"|visa/);
  });

  it('is removed at once and forgotten at its provider afterwards, again until that worked', async () => {
    const forgotten: string[] = [];
    const failures = [new ProviderError('unavailable', 'NO_ANSWER')];
    keeping({
      remove: async (token) => {
        const failure = failures.pop();
        if (failure) throw failure;
        forgotten.push(token);
      },
    });
    const buyer = await world.newBuyer();
    const id = await stored(buyer);
    await removeMethod(as(buyer), id);
    await removeMethod(as(buyer), id);
    expect([await listed(buyer), (await rowOf(id))?.status]).toEqual([[], 'removing']);
    expect(
      await world.sql("SELECT payload FROM job WHERE name = 'forget_method' AND lane = $1", [`method:${id}`]),
    ).toEqual([{ payload: { methodId: id } }]);
    await expect(forgetMethod(rail.in(world.system), id)).rejects.toMatchObject({ failure: 'unavailable' });
    expect((await rowOf(id))?.sealed).not.toBeNull();
    await forgetMethod(rail.in(world.system), id);
    await forgetMethod(rail.in(world.system), id);
    expect(forgotten).toEqual([tokenOf(id)]);
    expect(await rowOf(id)).toMatchObject({ status: 'removed', sealed: null });
    expect(await reasonOf(confirm(buyer, id))).toBe('payment_method_not_found');
    await expect(forgetMethod(world.system, 'pmt_none')).resolves.toBeUndefined();
  });

  it('that was only begun is removed without a word to the provider, and cannot be finished then', async () => {
    keeping();
    const buyer = await world.newBuyer();
    const { id } = await add(buyer);
    await removeMethod(as(buyer), id);
    expect(await rowOf(id)).toMatchObject({ status: 'removed', sealed: null });
    expect(await world.sql('SELECT 1 FROM job WHERE lane = $1', [`method:${id}`])).toEqual([]);
    expect(await reasonOf(confirm(buyer, id))).toBe('payment_method_not_found');
  });

  it('of a provider that is gone waits for it', async () => {
    keeping();
    const buyer = await world.newBuyer();
    const [kept, begun] = [await stored(buyer), (await add(buyer)).id];
    await removeMethod(as(buyer), kept);
    await expect(forgetMethod(world.system, kept)).rejects.toMatchObject({ failure: 'misconfigured' });
    expect(await reasonOf(confirmMethod(buyer.ctx, { methodId: begun, token: null, code: null }))).toBe(
      'method_unavailable',
    );
  });
});

describe('a method that is being added', () => {
  const asClient: Partial<StoredMethods> = {
    begin: async () => ({
      url: null,
      reference: null,
      client: { endpoint: 'https://pay.example/cards', publicId: 'm_1' },
    }),
  };

  it('is begun with its provider once, however often and in whatever language its link is opened', async () => {
    const begun: string[] = [];
    keeping({
      begin: async ({ id, language }) => {
        begun.push(language);
        // Stripe refuses the same key for another language.
        if (begun.length > 1) throw new ProviderError('misconfigured', 'idempotency_error');
        return { url: `https://pay.example/add/${id}`, reference: `seti_${id}`, client: null };
      },
    });
    const { id, url } = await add(await world.newBuyer());
    for (let time = 0; time < 20; time += 1)
      expect(await openAdding(stranger(), id)).toEqual({
        provider: RAIL,
        status: 'adding',
        url,
        client: null,
        card: null,
      });
    expect(begun).toEqual(['en']);
    const [row] = await world.sql<{ page: Buffer }>('SELECT page FROM payment_method WHERE id = $1', [id]);
    expect(row?.page.includes('pay.example')).toBe(false);
    await finish(id);
    expect(await world.sql('SELECT 1 FROM payment_method WHERE id = $1 AND page IS NULL', [id])).toHaveLength(1);
  });

  it('ends at the fifth wrong code, also when many are tried at once, and says so', async () => {
    const tried: Array<string | null> = [];
    keeping({
      ...asClient,
      confirm: async ({ code }) => {
        tried.push(code);
        throw new ProviderError('declined', 'WRONG_CODE');
      },
    });
    const { id } = await add(await world.newBuyer());
    const attempt = (code: number) => reasonOf(finish(id, { token: 'tok_client', code: String(code) }));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, code) => attempt(1000 + code)));
    expect(tried).toHaveLength(MAX_TOKENS_TRIED);
    expect(answers).toContain('too_many_codes');
    expect(answers.filter((answer) => answer === 'provider_declined')).toHaveLength(MAX_TOKENS_TRIED - 1);
    expect(await rowOf(id)).toMatchObject({ status: 'removed', sealed: null });
    expect(await openAdding(stranger(), id)).toMatchObject({ status: 'removed', client: null });
    keeping(asClient);
    await attempt(6666);
    expect(await rowOf(id)).toMatchObject({ status: 'removed' });
  });

  it('says at the fifth wrong code that it ended; a provider that did not answer costs no try', async () => {
    const failures: Array<'unavailable' | 'declined'> = ['unavailable', 'unavailable'];
    keeping({ ...asClient, confirm: () => Promise.reject(new ProviderError(failures.shift() ?? 'declined', 'NO')) });
    const buyer = await world.newBuyer();
    const { id } = await add(buyer);
    const answers: unknown[] = [];
    for (let time = 0; time < MAX_TOKENS_TRIED + 3; time += 1)
      answers.push(await reasonOf(confirm(buyer, id, { token: 'tok_client', code: '1000' })));
    const declined = Array.from({ length: MAX_TOKENS_TRIED - 1 }, () => 'provider_declined');
    expect(answers).toEqual([
      'provider_unavailable',
      'provider_unavailable',
      ...declined,
      'too_many_codes',
      'payment_method_not_found',
    ]);
  });

  it('has its page asked about fifty times at most; then the provider’s message finishes it', async () => {
    let questions = 0;
    let isDone = false;
    keeping({
      confirm: async ({ reference }): Promise<StoredCard | null> => {
        questions += 1;
        return isDone ? cardOf(reference) : null;
      },
    });
    const buyer = await world.newBuyer();
    const { id, reference } = await add(buyer);
    for (let time = 0; time < MAX_PAGE_QUESTIONS + 5; time += 1) expect(await confirm(buyer, id)).toBeNull();
    expect(questions).toBe(MAX_PAGE_QUESTIONS);
    isDone = true;
    await rail.tell(hint(reference));
    expect(await listed(buyer)).toEqual([id]);
  });

  it('and was removed meanwhile has its card forgotten at the provider, once', async () => {
    const forgotten: string[] = [];
    keeping({ remove: async (token) => void forgotten.push(token) });
    const buyer = await world.newBuyer();
    const { id, reference } = await add(buyer);
    await removeMethod(as(buyer), id);
    await Promise.all([rail.tell(hint(reference)), rail.tell(hint(reference))]);
    expect(await rowOf(id)).toMatchObject({ status: 'removing' });
    expect(await jobsOf(id)).toEqual([{ name: 'forget_method' }]);
    await forgetMethod(rail.in(world.system), id);
    await rail.tell(hint(reference));
    expect([forgotten, (await rowOf(id))?.status, await listed(buyer)]).toEqual([[tokenOf(id)], 'removed', []]);
    expect(await jobsOf(id)).toHaveLength(1);
  });

  it.each([
    ['removed', 'payment_method_not_found'],
    ['too old', 'payment_method_not_found'],
    ['one too many', 'too_many_methods'],
  ] as const)('and is %s by the time its provider answers is not kept, there either', async (what, reason) => {
    const buyer = await world.newBuyer();
    keeping();
    const before: string[] = [];
    for (let time = 1; time < MAX_METHODS; time += 1) before.push(await stored(buyer));
    const { id } = await add(buyer);
    keeping({
      confirm: async () => {
        if (what === 'removed') await removeMethod(as(buyer), id);
        if (what === 'too old') world.clock.advance(DAY_MS);
        // Another that was begun in time, as by a limit that was higher then.
        if (what === 'one too many')
          await world.sql(
            `INSERT INTO payment_method (id, user_id, provider, status, sealed, created_at)
             SELECT id || '_more', user_id, provider, status, sealed, created_at FROM payment_method WHERE id = $1`,
            [before[0]],
          );
        return cardOf(id);
      },
    });
    expect(await reasonOf(confirm(buyer, id))).toBe(reason);
    expect(await rowOf(id)).toMatchObject({ status: 'removing' });
    expect(await jobsOf(id)).toEqual([{ name: 'forget_method' }]);
    expect(await listed(buyer)).not.toContain(id);
  });
});

describe('other people’s methods', () => {
  it('look like none, and nobody pays with them', async () => {
    keeping();
    const [owner, stranger] = [await world.newBuyer(), await world.newBuyer()];
    const id = await stored(owner);
    const begun = await add(owner);
    expect(await reasonOf(confirm(stranger, begun.id))).toBe('payment_method_not_found');
    expect(await reasonOf(removeMethod(as(stranger), id))).toBe('payment_method_not_found');
    expect(await reasonOf(listMethods(as(stranger), owner.id))).toBe('not_yours');
    expect(await reasonOf(addMethod(as(stranger), { userId: owner.id, providerId: RAIL, language: 'en' }))).toBe(
      'not_yours',
    );
    const order = { priceId: CATALOG.proYearUsd, surface: 'browser', language: 'en', methodId: id } as const;
    expect(await reasonOf(payWithMethod(as(stranger), { ...order, userId: stranger.id }))).toBe(
      'payment_method_not_found',
    );
    // A server may act for everybody, and still only with the buyer's own card.
    const server = rail.in(world.asServer());
    expect(await reasonOf(payWithMethod(server, { ...order, userId: stranger.id }))).toBe('payment_method_not_found');
    expect(await listed(owner)).toEqual([id]);
  });
});

describe('adding', () => {
  it('ends at ten, also when more come at once; what was begun and left is forgotten after a day', async () => {
    keeping();
    const buyer = await world.newBuyer();
    await stored(buyer);
    const begun = await Promise.allSettled(Array.from({ length: 20 }, () => add(buyer)));
    expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_METHODS - 1);
    const refused = begun.flatMap((result) => (result.status === 'rejected' ? [result.reason.reason] : []));
    expect(new Set(refused)).toEqual(new Set(['too_many_methods']));
    world.clock.advance(DAY_MS - 1);
    expect(await reasonOf(add(buyer))).toBe('too_many_methods');
    world.clock.advance(1);
    expect(await reasonOf(add(buyer))).toBe('done');
    expect(await listed(buyer)).toHaveLength(1);
  });

  it.each([
    ['unavailable', 'provider_unavailable'],
    ['misconfigured', 'provider_misconfigured'],
    ['declined', 'provider_declined'],
  ] as const)('takes up no place when the provider is %s', async (failure, reason) => {
    keeping({ begin: () => Promise.reject(new ProviderError(failure, 'NO')) });
    const buyer = await world.newBuyer();
    for (let time = 0; time < MAX_METHODS; time += 1) expect(await reasonOf(add(buyer))).toBe(reason);
    // Each time the provider was asked all the same.
    expect(await reasonOf(add(buyer))).toBe('too_many_begun');
  });

  it('is begun ten times a day at most, whatever became of them', async () => {
    const begun: string[] = [];
    keeping({
      begin: async ({ id }) => {
        begun.push(id);
        return { url: 'https://pay.example/add', reference: `seti_${id}`, client: null };
      },
    });
    const buyer = await world.newBuyer();
    const round = async () => {
      const { id } = await add(buyer);
      if (begun.length % 2 === 0) await confirm(buyer, id);
      await removeMethod(as(buyer), id);
    };
    await round();
    world.clock.advance(1_000);
    for (let time = 1; time < MAX_BEGUN; time += 1) await round();
    await expect(add(buyer)).rejects.toMatchObject({
      kind: 'rate_limited',
      reason: 'too_many_begun',
      retryAfterSeconds: DAY_MS / 1000 - 1,
    });
    expect(begun).toHaveLength(MAX_BEGUN);
    world.clock.advance(DAY_MS - 1_000);
    expect(await reasonOf(round())).toBe('done');
    expect(await reasonOf(add(buyer))).toBe('too_many_begun');
  });

  it('is not offered by a provider that keeps none', async () => {
    const buyer = await world.newBuyer();
    expect(await reasonOf(add(buyer))).toBe('method_unavailable');
  });
});

describe('paying with a stored method', () => {
  const paying = async (createCheckout: Provider['createCheckout']) => {
    keeping();
    rail.change({ createCheckout });
    const buyer = await world.newBuyer();
    const methodId = await stored(buyer);
    const order = { userId: buyer.id, priceId: CATALOG.proYearUsd, surface: 'browser', language: 'en' } as const;
    return { buyer, methodId, pay: () => payWithMethod(as(buyer), { ...order, methodId }) };
  };
  const attemptsOf = (buyer: Buyer) =>
    world.sql('SELECT status::text, failure, url FROM payment_attempt WHERE user_id = $1 ORDER BY created_at, id', [
      buyer.id,
    ]);

  it('charges its token, asks the payer nothing, and waits for the provider’s word', async () => {
    const tokens: Array<string | null> = [];
    const { buyer, methodId, pay } = await paying(async ({ attemptId, token }) => {
      tokens.push(token);
      return { url: null, reference: `pi_${attemptId}` };
    });
    const begun = await pay();
    expect(begun).toMatchObject({ providerId: RAIL, url: null, isResumed: false });
    expect(tokens).toEqual([tokenOf(methodId)]);
    const placed = { buyer, invoiceId: begun.invoiceId, priceId: CATALOG.proYearUsd };
    const chargeId = rail.name('ch');
    await rail.tell(rail.paid(placed, chargeId));
    expect(await outcomeOf(world, chargeId)).toMatchObject({ status: 'succeeded', hasRight: true });
    expect(await attemptsOf(buyer)).toEqual([{ status: 'closed', failure: null, url: null }]);
  });

  it('charges it once, also when its provider tells of the payment before it answers', async () => {
    const charges: string[] = [];
    const { buyer, pay } = await paying(async ({ attemptId, invoiceId }) => {
      const chargeId = rail.name('ch');
      charges.push(chargeId);
      await rail.tell(rail.paid({ buyer, invoiceId, priceId: CATALOG.proYearUsd }, chargeId));
      return { url: null, reference: `pi_${attemptId}` };
    });
    const begun = await pay();
    expect(charges).toHaveLength(1);
    expect(await outcomeOf(world, charges[0] ?? '')).toMatchObject({ status: 'succeeded', hasRight: true });
    expect(await world.sql('SELECT id, status::text FROM invoice WHERE user_id = $1', [buyer.id])).toEqual([
      { id: begun.invoiceId, status: 'paid' },
    ]);
  });

  it('leads to the provider where the person must confirm it', async () => {
    const { pay } = await paying(async () => ({ url: 'https://pay.example/confirm', reference: 'pi_1' }));
    expect(await pay()).toMatchObject({ url: 'https://pay.example/confirm' });
  });

  it('says why it was refused, keeps that with the try, and the order can be paid another way', async () => {
    const { buyer, pay } = await paying(() => Promise.reject(new ProviderError('declined', 'insufficient_funds')));
    await expect(pay()).rejects.toMatchObject({
      reason: 'provider_declined',
      details: { failure: 'insufficient_funds' },
    });
    expect(await attemptsOf(buyer)).toEqual([{ status: 'failed', failure: 'insufficient_funds', url: null }]);
    rail.change({ createCheckout: async () => ({ url: 'https://pay.example/page', reference: 'cs_1' }) });
    expect(await rail.order(buyer, CATALOG.proYearUsd)).toMatchObject({ url: 'https://pay.example/page' });
    expect(await world.sql('SELECT 1 FROM invoice WHERE user_id = $1', [buyer.id])).toHaveLength(1);
  });

  it('never runs beside another try: the first is closed at its provider, or the second is refused', async () => {
    const { buyer, pay } = await paying(async ({ attemptId }) => ({ url: null, reference: `pi_${attemptId}` }));
    await pay();
    rail.change({ closeCheckout: async () => 'busy' });
    expect(await reasonOf(pay())).toBe('invoice_reserved');
    rail.change({ closeCheckout: async () => 'closed' });
    world.clock.advance(1_000);
    expect(await reasonOf(pay())).toBe('done');
    expect((await attemptsOf(buyer)).map(({ status }) => status)).toEqual(['closed', 'live']);
  });

  it('has no page opened beside it when its process died before it heard what came of it', async () => {
    const { buyer, pay } = await paying(async () => ({ url: null, reference: null }));
    const { invoiceId } = await pay();
    await world.sql("UPDATE payment_attempt SET status = 'creating' WHERE invoice_id = $1", [invoiceId]);
    world.clock.advance(30_000);
    expect(await reasonOf(rail.order(buyer, CATALOG.proYearUsd))).toBe('invoice_reserved');
    expect(await attemptsOf(buyer)).toHaveLength(1);
    // Its own next try asks the provider, which charges once.
    expect(await reasonOf(pay())).toBe('done');
  });

  it('keeps the page of its confirmation to its owner: no link leads there, nor does another card', async () => {
    const { buyer, pay } = await paying(async ({ attemptId }) => ({
      url: `https://bank.example/${attemptId}`,
      reference: `cs_${attemptId}`,
    }));
    const closed: string[] = [];
    let answer: 'busy' | 'closed' = 'busy';
    const closeCheckout: NonNullable<Provider['closeCheckout']> = async ({ reference }) => {
      closed.push(reference);
      return answer;
    };
    const createCheckout = async () => ({ url: 'https://pay.example/page', reference: 'cs_plain' });
    const { invoiceId, url } = await pay();
    rail.change({ closeCheckout, createCheckout });
    const stranger = rail.in(world.as({ kind: 'stranger' }));
    const link = { invoiceId, method: 'credit_card', providerId: RAIL, language: 'en' } as const;
    expect(await reasonOf(payLink(stranger, link))).toBe('invoice_reserved');
    expect(closed).toEqual([]);
    // What its provider does not close may still be paid: nothing is opened beside it.
    expect(await reasonOf(rail.order(buyer, CATALOG.proYearUsd))).toBe('invoice_reserved');
    answer = 'closed';
    world.clock.advance(1_000);
    const plain = { invoiceId, url: 'https://pay.example/page', isResumed: false };
    expect(await rail.order(buyer, CATALOG.proYearUsd)).toMatchObject(plain);
    expect(closed).toHaveLength(2);
    expect(url).toMatch(/^https:\/\/bank\.example/);
    expect((await attemptsOf(buyer)).map(({ status, url: at }) => [status, at])).toEqual([
      ['closed', url],
      ['live', 'https://pay.example/page'],
    ]);
    // The page of another card is the order's, whoever opened it.
    expect(await payLink(stranger, link)).toMatchObject({ ...plain, isResumed: true });
  });

  it('is refused for one that is removed, not finished or not confirmed, and in a currency it does not pay', async () => {
    const { buyer, methodId, pay } = await paying(async () => ({ url: null, reference: 'pi_1' }));
    const { id } = await add(buyer);
    const { id: waiting } = await add(buyer);
    await give(waiting);
    const order = { userId: buyer.id, surface: 'browser', language: 'en' } as const;
    const payBy = (method: string, priceId: string) =>
      reasonOf(payWithMethod(as(buyer), { ...order, priceId, methodId: method }));
    expect(await payBy(id, CATALOG.proYearUsd)).toBe('payment_method_not_found');
    expect(await payBy(waiting, CATALOG.proYearUsd)).toBe('payment_method_not_found');
    expect(await payBy(methodId, CATALOG.proYearUzs)).toBe('method_unavailable');
    await removeMethod(as(buyer), methodId);
    expect(await reasonOf(pay())).toBe('payment_method_not_found');
    expect(await world.sql('SELECT 1 FROM payment_attempt WHERE user_id = $1', [buyer.id])).toEqual([]);
  });
});
