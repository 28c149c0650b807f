import { afterEach, describe, expect, it } from 'vitest';
import type { StoredMethods } from '#domain/provider/contract.ts';
import { makeSecret } from '#lib/crypto.ts';
import { SCHEDULE } from '../../jobs/table.ts';
import { expectWholeBooks } from '../../testing/books.ts';
import { CARD, makeKeeper, reasonOf, tokenOf } from '../../testing/keeper.ts';
import { makeRail } from '../../testing/rail.ts';
import { type Buyer, DAY_MS, openWorld } from '../../testing/world.ts';
import { claimMethod } from './claim.ts';
import { confirmMethod } from './confirm.ts';
import { openAdding } from './open-adding.ts';
import { listMethods } from './records.ts';
import { forgetMethod, forgetUnconfirmed, removeMethod } from './remove.ts';
import { ADDING_FOR_MS, MAX_METHODS } from './rules.ts';

const world = openWorld();
const rail = makeRail(world);
const keeper = makeKeeper(world, rail);
const { add, as, backOf, claim, confirm, finish, give, hint, jobsOf, keeping, listed, rowOf, stranger } = keeper;

afterEach(async () => {
  rail.reset();
  await expectWholeBooks(world.system);
});

/** A provider whose cards go from the browser to it, and come to us as tokens. */
const byToken: Partial<StoredMethods> = {
  begin: async () => ({ url: null, reference: null, client: { endpoint: 'https://pay.example/cards', publicId: 'm' } }),
  confirm: async ({ token }) => ({ ...CARD, token: token ?? 'none' }),
};
const statusOf = async (id: string) => (await rowOf(id))?.status;
/** What was written of its end, oldest first. */
const endsOf = (id: string) =>
  world.sql<{ actor: string; because: string }>(
    "SELECT actor, data->>'because' AS because FROM audit_event WHERE object_id = $1 AND action = 'payment_method.removed' ORDER BY at",
    [id],
  );
const given = async (owner: Buyer) => {
  const { id } = await add(owner);
  return { id, secret: await give(id) };
};
const FORGOTTEN = [{ name: 'forget_method' }];

describe('a card that came by a link', () => {
  it('is told to the browser alone in which it was given, and to its owner only when they have claimed it', async () => {
    keeping(byToken);
    const owner = await world.newBuyer();
    const { id } = await add(owner);
    const secret = makeSecret();
    const nearly = {
      provider: 'rail',
      status: 'confirming',
      url: null,
      client: null,
      card: { brand: 'visa', last4: '4242' },
    };
    expect(await finish(id, { token: rail.name('tok'), secret })).toEqual(nearly);
    // An answer that was lost is had again there, and nowhere else.
    expect(await finish(id, { token: 'tok_again', secret })).toEqual(nearly);
    expect(await finish(id)).toEqual({ ...nearly, card: null });
    expect(await openAdding(stranger(), id)).toEqual({ ...nearly, card: null });
    const [shown] = await listMethods(as(owner), owner.id);
    expect(shown).toMatchObject({ id, status: 'confirming', brand: '', last4: '', expires: null });
    expect(await claim(owner, id, secret)).toMatchObject({ id, status: 'active', last4: '4242' });
    expect(await openAdding(stranger(), id)).toEqual({ ...nearly, status: 'active' });
  });

  it('is no use to whoever sent the link: their own session does not make it theirs', async () => {
    keeping();
    const sender = await world.newBuyer();
    const { id } = await add(sender);
    await give(id);
    expect(await confirm(sender, id)).toMatchObject({ status: 'confirming' });
    for (const secret of [makeSecret(), backOf(id), '', id])
      expect(await reasonOf(claim(sender, id, secret))).toBe('payment_method_not_found');
    expect(await statusOf(id)).toBe('confirming');
  });

  it('is claimed with the right secret once, however often it is said', async () => {
    keeping();
    const owner = await world.newBuyer();
    const { id, secret } = await given(owner);
    const answers = await Promise.all(Array.from({ length: 5 }, () => claim(owner, id, secret)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['active']));
    expect(await claim(owner, id, secret)).toMatchObject({ status: 'active', ...CARD });
    const added = "SELECT 1 FROM audit_event WHERE action = 'payment_method.added' AND object_id = $1 AND actor = $2";
    expect(await world.sql(added, [id, owner.id])).toHaveLength(1);
  });

  it('is forgotten when another account shows the secret, which says so each time and tells the owner nothing', async () => {
    const forgotten: string[] = [];
    keeping({ remove: async (token) => void forgotten.push(token) });
    const [sender, victim] = [await world.newBuyer(), await world.newBuyer()];
    const { id, secret } = await given(sender);
    for (let time = 0; time < 2; time += 1) expect(await reasonOf(claim(victim, id, secret))).toBe('method_of_another');
    expect([await statusOf(id), await jobsOf(id)]).toEqual(['removing', FORGOTTEN]);
    expect(await reasonOf(claim(sender, id, secret))).toBe('payment_method_not_found');
    await forgetMethod(rail.in(world.system), id);
    expect([forgotten, await statusOf(id), await listed(sender)]).toEqual([[tokenOf(id)], 'removed', []]);
    expect(await reasonOf(claim(victim, id, secret))).toBe('method_of_another');
    expect(await openAdding(stranger(), id)).toMatchObject({ status: 'removed', card: null });
    expect(await endsOf(id)).toEqual([{ actor: victim.id, because: 'of_another' }]);
  });

  it('is not kept in whichever order its owner and another account claim it', async () => {
    keeping();
    const [owner, other] = [await world.newBuyer(), await world.newBuyer()];
    for (const order of [[owner, other], [other, owner], 'at once'] as const) {
      const { id, secret } = await given(owner);
      if (order === 'at once') await Promise.allSettled([claim(owner, id, secret), claim(other, id, secret)]);
      else for (const one of order) await reasonOf(claim(one, id, secret));
      expect([await statusOf(id), await jobsOf(id)]).toEqual(['removing', FORGOTTEN]);
    }
  });

  it('is confirmed by no server and no stranger, whatever they know', async () => {
    keeping();
    const owner = await world.newBuyer();
    const { id, secret } = await given(owner);
    for (const ctx of [world.asServer(), world.as({ kind: 'stranger' }), world.system])
      expect(await reasonOf(claimMethod(rail.in(ctx), { methodId: id, secret }))).toBe('not_yours');
    expect(await statusOf(id)).toBe('confirming');
    expect(await reasonOf(claim(owner, 'pmt_none', secret))).toBe('payment_method_not_found');
  });

  it('that a server brings needs a secret, and waits like any other', async () => {
    const asked: Array<string | null> = [];
    keeping({
      ...byToken,
      confirm: async ({ token }) => {
        asked.push(token);
        return { ...CARD, token: token ?? 'none' };
      },
    });
    const owner = await world.newBuyer();
    const { id } = await add(owner);
    const server = rail.in(world.asServer());
    const brought = { methodId: id, token: rail.name('tok'), code: null };
    expect(await reasonOf(confirmMethod(server, brought))).toBe('malformed_request');
    expect(asked).toEqual([]);
    const secret = makeSecret();
    expect(await confirmMethod(server, { ...brought, secret })).toMatchObject({ status: 'confirming', last4: '' });
    expect(await claim(owner, id, secret)).toMatchObject({ status: 'active' });
  });

  it('counts among the ten, and can be removed by its owner', async () => {
    keeping();
    const owner = await world.newBuyer();
    const cards: string[] = [];
    for (let time = 0; time < MAX_METHODS; time += 1) cards.push((await given(owner)).id);
    expect(await reasonOf(add(owner))).toBe('too_many_methods');
    const [first = ''] = cards;
    await removeMethod(as(owner), first);
    expect([await statusOf(first), await jobsOf(first), (await listed(owner)).length]).toEqual([
      'removing',
      FORGOTTEN,
      MAX_METHODS - 1,
    ]);
  });

  it('is confirmed or removed, never both', async () => {
    keeping();
    const owner = await world.newBuyer();
    for (const order of ['claimed first', 'removed first', 'at once'] as const) {
      const { id, secret } = await given(owner);
      const steps: Array<() => Promise<unknown>> = [() => claim(owner, id, secret), () => removeMethod(as(owner), id)];
      if (order === 'removed first') steps.reverse();
      if (order === 'at once') await Promise.allSettled(steps.map((step) => step()));
      else for (const step of steps) await reasonOf(step());
      expect([await statusOf(id), await jobsOf(id)]).toEqual(['removing', FORGOTTEN]);
      expect(await reasonOf(claim(owner, id, secret))).toBe('payment_method_not_found');
    }
  });
});

describe('a browser that comes back from the page', () => {
  it('is the one that gave the card, also when the provider’s message is quicker or both come at once', async () => {
    keeping();
    const owner = await world.newBuyer();
    for (const first of ['message', 'browser', 'both'] as const) {
      const { id, reference } = await add(owner);
      const secret = makeSecret();
      const back = backOf(id);
      const steps = [() => rail.tell(hint(reference)), () => finish(id, { secret, back })];
      if (first === 'browser') steps.reverse();
      if (first === 'both') await Promise.all(steps.map((step) => step()));
      else for (const step of steps) await step();
      // Reloaded, it is the same browser.
      expect(await finish(id, { secret, back })).toMatchObject({ status: 'confirming', card: { last4: '4242' } });
      expect(await claim(owner, id, secret)).toMatchObject({ status: 'active' });
      expect(await finish(id, { secret, back })).toMatchObject({ status: 'active' });
    }
  });

  it('is nobody’s while the card is not given, and none without what the address holds', async () => {
    keeping({ confirm: async () => null });
    const owner = await world.newBuyer();
    const { id } = await add(owner);
    const early = makeSecret();
    expect(await finish(id, { secret: early, back: backOf(id) })).toMatchObject({ status: 'adding' });
    keeping();
    const none = makeSecret();
    expect(await finish(id, { secret: none })).toMatchObject({ status: 'confirming', card: null });
    expect(await finish(id, { secret: none, back: makeSecret() })).toMatchObject({ status: 'confirming', card: null });
    for (const secret of [early, none])
      expect(await reasonOf(claim(owner, id, secret))).toBe('payment_method_not_found');
    const secret = await give(id);
    expect(await claim(owner, id, secret)).toMatchObject({ status: 'active' });
  });

  it.each(['waits', 'was claimed', 'at once'] as const)(
    'and is a second one has the card forgotten: it %s',
    async (when) => {
      keeping();
      const sender = await world.newBuyer();
      const { id, reference } = await add(sender);
      const back = backOf(id);
      const [reader, victim] = [makeSecret(), makeSecret()];
      await rail.tell(hint(reference));
      if (when === 'at once') {
        await Promise.all([finish(id, { secret: reader, back }), finish(id, { secret: victim, back })]);
      } else {
        await finish(id, { secret: reader, back });
        if (when === 'was claimed') await claim(sender, id, reader);
        expect(await finish(id, { secret: victim, back })).toMatchObject({ status: 'removed', card: null });
      }
      expect([await statusOf(id), await jobsOf(id)]).toEqual(['removing', FORGOTTEN]);
      expect(await endsOf(id)).toMatchObject([{ because: 'two_browsers' }]);
      for (const secret of [reader, victim])
        expect(await reasonOf(claim(sender, id, secret))).toBe('payment_method_not_found');
    },
  );

  it('leaves nothing by which it could be imitated in the database', async () => {
    keeping();
    const { id, secret } = await given(await world.newBuyer());
    const whole = (await rowOf(id))?.whole ?? '';
    for (const text of [secret, backOf(id)]) {
      expect(whole).not.toContain(text);
      expect(whole).not.toContain(Buffer.from(text).toString('hex'));
    }
    expect(JSON.stringify(await world.sql('SELECT data FROM audit_event WHERE object_id = $1', [id]))).not.toContain(
      secret,
    );
  });
});

describe('what nobody claims within a day of its beginning', () => {
  it('is forgotten, and cannot be claimed any more', async () => {
    const forgotten: string[] = [];
    keeping({ remove: async (token) => void forgotten.push(token) });
    const owner = await world.newBuyer();
    const kept = await keeper.stored(owner);
    const { id, secret } = await given(owner);
    const sweep = SCHEDULE.find(({ name }) => name === 'forget_unconfirmed_methods');
    world.clock.advance(ADDING_FOR_MS - 1);
    await sweep?.run(rail.in(world.system));
    expect(await statusOf(id)).toBe('confirming');
    world.clock.advance(1);
    expect(await reasonOf(claim(owner, id, secret))).toBe('payment_method_not_found');
    expect(await statusOf(id)).toBe('confirming');
    expect(await sweep?.run(rail.in(world.system))).toBeGreaterThan(0);
    expect([await statusOf(id), await jobsOf(id)]).toEqual(['removing', FORGOTTEN]);
    await forgetMethod(rail.in(world.system), id);
    expect(forgotten).toEqual([tokenOf(id)]);
    expect(await endsOf(id)).toMatchObject([{ because: 'not_confirmed' }]);
    expect(await listed(owner)).toEqual([kept]);
    expect(await forgetUnconfirmed(rail.in(world.system))).toBe(0);
  });

  it('is not taken from whoever claimed it in time, also by another’s late word', async () => {
    keeping();
    const [owner, other] = [await world.newBuyer(), await world.newBuyer()];
    const { id, secret } = await given(owner);
    await claim(owner, id, secret);
    world.clock.advance(DAY_MS);
    await forgetUnconfirmed(rail.in(world.system));
    expect(await reasonOf(claim(other, id, secret))).toBe('method_of_another');
    expect(await claim(owner, id, secret)).toMatchObject({ status: 'active' });
  });
});

describe('one token', () => {
  const bring = (id: string, token: string) => reasonOf(finish(id, { token }));

  it('is stored once, for whomever and wherever the first stands; the second’s page can go on', async () => {
    const forgotten: string[] = [];
    keeping({ ...byToken, remove: async (token) => void forgotten.push(token) });
    const [first, second] = [await world.newBuyer(), await world.newBuyer()];
    const token = rail.name('tok');
    const mine = await add(first);
    expect(await confirm(first, mine.id, { token })).toMatchObject({ status: 'active' });
    const theirs = await add(second);
    expect(await bring(theirs.id, token)).toBe('method_stored_before');
    expect(await reasonOf(confirm(second, theirs.id, { token }))).toBe('method_stored_before');
    const again = await add(first);
    expect(await reasonOf(confirm(first, again.id, { token }))).toBe('method_stored_before');
    expect([await statusOf(theirs.id), await jobsOf(theirs.id), await listed(second)]).toEqual(['adding', [], []]);
    expect(await bring(theirs.id, rail.name('tok'))).toBe('done');
    // While its provider has yet to forget it, it would be forgotten for the next one too.
    await removeMethod(as(first), mine.id);
    expect(await bring(again.id, token)).toBe('method_stored_before');
    await forgetMethod(rail.in(world.system), mine.id);
    expect(forgotten).toEqual([token]);
    expect(await bring(again.id, token)).toBe('done');
  });

  it('is stored once also when two bring it at the same time', async () => {
    keeping(byToken);
    const people = [await world.newBuyer(), await world.newBuyer()];
    for (let time = 0; time < 3; time += 1) {
      const token = rail.name('tok');
      const begun = await Promise.all(people.map((person) => add(person)));
      const answers = await Promise.all(begun.map(({ id }) => bring(id, token)));
      expect(answers.sort()).toEqual(['done', 'method_stored_before']);
    }
  });

  it('is known again by a hash that says nothing without the server’s key', async () => {
    keeping(byToken);
    const token = rail.name('tok');
    const { id } = await add(await world.newBuyer());
    await finish(id, { token });
    const found =
      'SELECT token_hash = sha256($2::bytea) AS plain, length(token_hash) AS bytes FROM payment_method WHERE id = $1';
    expect(await world.sql(found, [id, Buffer.from(token)])).toEqual([{ plain: false, bytes: 32 }]);
  });
});
