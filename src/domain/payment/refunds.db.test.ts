import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Ctx } from '#domain/context/context.ts';
import { ProviderError } from '#domain/provider/error.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { RefundAnswer, RefundRequest } from '#domain/provider/request.ts';
import { expectWholeBooks, noticesOf } from '../../testing/books.ts';
import { CATALOG, DEVELOPER } from '../../testing/catalog.ts';
import { type Charge, makeRail, outcomeOf, RAIL } from '../../testing/rail.ts';
import { DAY_MS, openWorld } from '../../testing/world.ts';
import { executeRefund } from './execute-refund.ts';
import { requestRefund } from './request-refund.ts';

const world = openWorld();
const rail = makeRail(world);
/** Of the 101 Stars of the plugin: 6 for the processor, the rest by 30 to 70. */
const SHARE = 66n;

afterEach(async () => {
  rail.reset();
  await expectWholeBooks(world.system);
});

type Refunded = Extract<ProviderEvent, { type: 'payment_refunded' }>;
const refunded = (charge: Charge, amount: bigint, rest: Partial<Refunded> = {}): Refunded => ({
  type: 'payment_refunded',
  eventId: rail.name('evt'),
  occurredAt: world.clock.now(),
  invoiceId: charge.invoiceId,
  chargeId: charge.chargeId,
  payerId: null,
  paid: { amount, currency: charge.currency },
  reference: rail.name('re'),
  refundId: null,
  ...rest,
});
const failed = (
  charge: Charge,
  reference: string,
  refundId: string | null = null,
  undoesDone = true,
): ProviderEvent => ({
  type: 'refund_failed',
  eventId: rail.name('evt'),
  occurredAt: world.clock.now(),
  chargeId: charge.chargeId,
  reference,
  refundId,
  code: 'expired_or_canceled_card',
  undoesDone,
});
const partPaid = (charge: Charge, refundId: string, part: string, amount: bigint): ProviderEvent => ({
  type: 'refund_part_paid',
  eventId: rail.name('evt'),
  occurredAt: world.clock.now(),
  chargeId: charge.chargeId,
  reference: `pull_${refundId}`,
  refundId,
  part,
  paid: { amount, currency: charge.currency },
});
const paymentId = async ({ chargeId }: Charge) => {
  const [row] = await world.sql<{ id: string }>('SELECT id FROM payment WHERE charge_id = $1', [chargeId]);
  return row?.id ?? '';
};
const ask = async (charge: Charge, amount?: bigint) =>
  requestRefund(rail.in(world.asServer()), {
    paymentId: await paymentId(charge),
    ...(amount === undefined ? {} : { amount }),
  });
const execute = (refundId: string, ctx: Ctx = world.system) => executeRefund(rail.in(ctx), refundId);
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { reason?: string }) => error.reason,
  );
const inboxOf = (event: ProviderEvent) =>
  world.sql('SELECT status, result, error FROM webhook_event WHERE event_id = $1', [event.eventId]);
const owedAfter = (returned: bigint, amount: bigint) => SHARE - (SHARE * returned) / amount;

describe('a charge that goes back in parts', () => {
  it('takes of each share its part and keeps the right until the last, which ends it', async () => {
    const charge = await rail.buy();
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'succeeded', owed: SHARE, hasRight: true });
    const one = await ask(charge, 40n);
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'refunding', owed: SHARE, hasRight: true });
    expect(await execute(one.id)).toBe('done');
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'succeeded',
      returned: 40n,
      owed: owedAfter(40n, 101n),
      hasRight: true,
    });
    await rail.tell(refunded(charge, 30n));
    world.clock.advance(1_000);
    const rest = await ask(charge);
    expect(rest.amount).toBe(31n);
    expect(await execute(rest.id)).toBe('done');
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'refunded',
      returned: 101n,
      refunds: [
        ['succeeded', 30],
        ['succeeded', 31],
        ['succeeded', 40],
      ],
      owed: 0n,
      hasRight: false,
    });
    expect(await noticesOf(world, charge.buyer.id)).toEqual({ paid: 1, part_refunded: 2, refunded: 1 });
    // The whole again is the last of it; nothing is asked of the provider a second time.
    expect((await ask(charge)).id).toBe(rest.id);
    expect(await execute(rest.id)).toBe('nothing_to_do');
    expect(await reasonOf(ask(charge, 1n))).toBe('refund_not_possible');
  });

  it('owes the developer to the unit after every step, whatever the parts are and which of them come to nothing', {
    timeout: 120_000,
  }, async () => {
    const step = fc.record({ part: fc.bigInt({ min: 1n, max: 60n }), undo: fc.option(fc.nat(5), { freq: 2 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const charge = await rail.buy();
        const done: Refunded[] = [];
        const expectOwed = async (returned: bigint) =>
          expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
            status: returned === charge.amount ? 'refunded' : 'succeeded',
            returned,
            owed: owedAfter(returned, charge.amount),
            hasRight: returned < charge.amount,
          });
        let returned = 0n;
        for (const { part, undo } of steps) {
          const left = charge.amount - returned;
          if (left > 0n) {
            const back = refunded(charge, 1n + (part % left));
            done.push(back);
            returned += back.paid.amount;
            await rail.tell(back);
            await expectOwed(returned);
          }
          const [undone] = undo === null || done.length === 0 ? [] : done.splice(undo % done.length, 1);
          if (!undone) continue;
          returned -= undone.paid.amount;
          await rail.tell(failed(charge, undone.reference));
          await expectOwed(returned);
        }
        await rail.tell(refunded(charge, charge.amount));
        await expectOwed(charge.amount);
      }),
      { numRuns: 25 },
    );
    expect(
      await world.sql(
        `SELECT sum(amount)::int AS owed FROM ledger_entry WHERE account = 'developer_payable' AND owner = $1
           AND split_part(transaction_id, '/', 1) NOT IN (SELECT id FROM payment WHERE status <> 'refunded')`,
        [DEVELOPER.id],
      ),
    ).toEqual([{ owed: 0 }]);
  });

  it('is no more than the charge, however much is told, and two at once are two', async () => {
    const charge = await rail.buy();
    const parts = [refunded(charge, 40n), refunded(charge, 40n), refunded(charge, 40n)];
    await Promise.all(parts.map(rail.tell));
    const outcome = await outcomeOf(world, charge.chargeId);
    expect(outcome).toMatchObject({ status: 'refunded', returned: 101n, owed: 0n });
    expect(outcome.refunds.map(([, amount]) => amount).toSorted()).toEqual([21, 40, 40]);
    await rail.tell(refunded(charge, 1n));
    expect((await outcomeOf(world, charge.chargeId)).refunds).toHaveLength(3);
  });

  it('counts each refund once, told twenty times at once by one id or by many messages', async () => {
    const charge = await rail.buy();
    const part = refunded(charge, 40n);
    const times = Array.from({ length: 20 }, (_, n) => (n % 2 ? part : { ...part, eventId: rail.name('evt') }));
    await Promise.all(times.map(rail.tell));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ returned: 40n, refunds: [['succeeded', 40]] });
  });

  it('of another currency, or of a charge that is not known yet, waits in the inbox', async () => {
    const charge = await rail.buy();
    const other = refunded(charge, 10n, { paid: { amount: 10n, currency: 'USD' } });
    const early = refunded({ ...charge, chargeId: 'ch_unknown' }, 10n);
    await rail.tell(other);
    await rail.tell(early);
    expect(await inboxOf(other)).toEqual([{ status: 'failed', result: null, error: 'currency_mismatch' }]);
    expect(await inboxOf(early)).toEqual([{ status: 'failed', result: null, error: 'payment_not_found' }]);
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ returned: 0n, refunds: [] });
  });

  it('by the provider leaves one of ours running that is another, and ends it when nothing is left', async () => {
    const charge = await rail.buy();
    const ours = await ask(charge, 40n);
    await rail.tell(refunded(charge, 30n));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'refunding', returned: 30n });
    await rail.tell(refunded(charge, 71n));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'refunded',
      returned: 101n,
      refunds: [
        ['failed', 40],
        ['succeeded', 30],
        ['succeeded', 71],
      ],
    });
    expect(await execute(ours.id)).toBe('nothing_to_do');
  });

  it('of the same sum by the provider is the one that runs here', async () => {
    const charge = await rail.buy();
    const ours = await ask(charge, 40n);
    await rail.tell(refunded(charge, 40n));
    expect(await execute(ours.id)).toBe('nothing_to_do');
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'succeeded',
      refunds: [['succeeded', 40]],
    });
  });
});

describe('a refund that takes days', () => {
  const pending = (claimUrl: string | null = null) =>
    rail.change({ refund: async ({ refundId }) => ({ status: 'pending', reference: `re_${refundId}`, claimUrl }) });

  it('is kept by the provider’s id, told to the buyer once, and done when the provider says so', async () => {
    pending('https://pay.example/claim');
    const charge = await rail.buy();
    const { id } = await ask(charge);
    expect([await execute(id), await execute(id)]).toEqual(['pending', 'pending']);
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'refunding', owed: SHARE, hasRight: true });
    expect(await noticesOf(world, charge.buyer.id)).toEqual({ paid: 1, refund_to_claim: 1 });
    // Its provider has it: it is not asked for again.
    const jobs = await world.sql('SELECT 1 FROM job WHERE lane = $1', [`refund:${id}`]);
    expect((await ask(charge)).id).toBe(id);
    expect(await world.sql('SELECT 1 FROM job WHERE lane = $1', [`refund:${id}`])).toHaveLength(jobs.length);
    await rail.tell(refunded(charge, charge.amount, { reference: `re_${id}` }));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'refunded',
      refunds: [['succeeded', 101]],
      owed: 0n,
      hasRight: false,
    });
    expect(await world.sql('SELECT claim_url FROM refund WHERE id = $1', [id])).toEqual([{ claim_url: null }]);
  });

  it('comes to nothing when the provider says so, and leaves all as it was', async () => {
    pending();
    const charge = await rail.buy();
    const { id } = await ask(charge, 50n);
    await execute(id);
    await rail.tell(failed(charge, `re_${id}`));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'succeeded',
      returned: 0n,
      refunds: [['failed', 50]],
      owed: SHARE,
      hasRight: true,
    });
    expect(await world.sql('SELECT failure FROM refund WHERE id = $1', [id])).toEqual([
      { failure: 'expired_or_canceled_card' },
    ]);
    // And it may be asked for again: a refund of its own.
    expect((await ask(charge, 50n)).id).not.toBe(id);
  });

  it('is refused, or not possible now, by what the provider answers', async () => {
    const answers = [
      new ProviderError('unavailable', 'NO_ANSWER'),
      new ProviderError('misconfigured', 'WRONG_KEY'),
      new ProviderError('declined', 'TOO_OLD'),
    ];
    rail.change({
      refund: () => Promise.reject(answers.shift() ?? new Error('asked too often')),
    });
    const charge = await rail.buy();
    const { id } = await ask(charge);
    await expect(execute(id)).rejects.toMatchObject({ failure: 'unavailable' });
    await expect(execute(id)).rejects.toMatchObject({ failure: 'misconfigured' });
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'refunding' });
    expect(await execute(id)).toBe('failed');
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'succeeded', refunds: [['failed', 101]] });
    expect(
      await world.sql("SELECT payload FROM job WHERE name = 'tell_operators' AND payload->>'objectId' = $1", [id]),
    ).toEqual([{ payload: { objectId: id, what: 'failed' } }]);
    // The provider had no word for it, so what it tells of it afterwards counts.
    await rail.tell(refunded(charge, charge.amount, { refundId: id }));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'refunded',
      refunds: [['succeeded', 101]],
    });
  });
});

describe('a refund that is paid in parts', () => {
  const runs = async () => {
    const charge = await rail.buy();
    return { charge, refund: await ask(charge) };
  };

  it('counts each as given back, once, and is itself the rest, until that is paid too', async () => {
    const { charge, refund } = await runs();
    for (const part of ['po_1', 'po_1', 'po_2', 'po_2']) await rail.tell(partPaid(charge, refund.id, part, 30n));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'refunding',
      hasRight: true,
      refunds: [
        ['requested', 41],
        ['succeeded', 30],
        ['succeeded', 30],
      ],
    });
    await expectWholeBooks(world.system);
    await rail.tell(refunded(charge, 101n, { reference: `pull_${refund.id}`, refundId: refund.id }));
    await rail.tell(partPaid(charge, refund.id, 'po_3', 41n));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'refunded',
      hasRight: false,
      refunds: [
        ['succeeded', 30],
        ['succeeded', 30],
        ['succeeded', 41],
      ],
    });
  });

  it('leaves what was paid given back when the rest comes to nothing, and only that can be asked for again', async () => {
    const { charge, refund } = await runs();
    await rail.tell(partPaid(charge, refund.id, 'po_1', 60n));
    await rail.tell(failed(charge, `pull_${refund.id}`, refund.id, false));
    await rail.tell(partPaid(charge, refund.id, 'po_2', 41n));
    const stands = { status: 'succeeded', hasRight: true };
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject(stands);
    expect(await reasonOf(ask(charge, 42n))).toBe('refund_amount_wrong');
    const again = await ask(charge);
    expect(again.amount).toBe(41n);
  });

  it('is done with the part that leaves less than one unit of it', async () => {
    const { charge, refund } = await runs();
    await rail.tell(partPaid(charge, refund.id, 'po_1', 101n));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'refunded',
      refunds: [['succeeded', 101]],
    });
  });

  it('changes nothing where no such refund is known, and waits for its charge', async () => {
    const charge = await rail.buy();
    await rail.tell(partPaid(charge, 'ref_unknown', 'po_1', 30n));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'succeeded', refunds: [] });
    const part = partPaid({ ...charge, chargeId: rail.name('ch') }, 'ref_unknown', 'po_1', 30n);
    await rail.tell(part);
    expect(await inboxOf(part)).toEqual([{ status: 'failed', result: null, error: 'payment_not_found' }]);
    const other = { ...partPaid(charge, 'ref_unknown', 'po_2', 30n), paid: { amount: 30n, currency: 'USD' } as const };
    await rail.tell(other);
    expect(await inboxOf(other)).toEqual([{ status: 'failed', result: null, error: 'currency_mismatch' }]);
  });
});

describe('a refund whose provider was asked and whose answer nobody kept', () => {
  const DONE = { status: 'done', reference: null, claimUrl: null } as const;
  /** A provider that answers what it is told to, then that it is done; and what it heard. */
  function answering(...answers: Array<RefundAnswer | Error>) {
    const heard: Array<Pick<RefundRequest, 'refundId' | 'isRepeat'>> = [];
    rail.change({
      refund: async ({ isRepeat, refundId }) => {
        heard.push({ refundId, isRepeat });
        const answer = answers.shift() ?? DONE;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
    return heard;
  }
  const BUSY = { failure: 'unavailable', code: 'BEING_ASKED', retryAfterSeconds: 90 };

  it('is asked for again by the same id, as a repeat, and not before the first has surely ended', async () => {
    const heard = answering();
    const charge = await rail.buy();
    const { id } = await ask(charge);
    await expect(execute(id, dyingAtCommit(world.system))).rejects.toThrow('killed');
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'refunding', returned: 0n });
    world.clock.advance(89_999);
    await expect(execute(id)).rejects.toMatchObject(BUSY);
    world.clock.advance(1);
    expect(await execute(id)).toBe('done');
    expect(heard).toEqual([
      { refundId: id, isRepeat: false },
      { refundId: id, isRepeat: true },
    ]);
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({
      status: 'refunded',
      refunds: [['succeeded', 101]],
    });
  });

  it('is no repeat after a refusal that says that nothing was done', async () => {
    const heard = answering(new ProviderError('unavailable', 'HTTP_429'), new ProviderError('misconfigured', 'KEY'));
    const { id } = await ask(await rail.buy());
    for (const code of ['HTTP_429', 'KEY']) await expect(execute(id)).rejects.toMatchObject({ code });
    expect(await execute(id)).toBe('done');
    expect(heard.map(({ isRepeat }) => isRepeat)).toEqual([false, false, false]);
  });

  it('stays one while the repeat is put off, and what may have arrived is waited for', async () => {
    const lost = new ProviderError('unavailable', 'NO_ANSWER', { mayBeDone: true });
    const heard = answering(lost, new ProviderError('unavailable', 'HTTP_429'));
    const { id } = await ask(await rail.buy());
    await expect(execute(id)).rejects.toMatchObject({ code: 'NO_ANSWER' });
    await expect(execute(id)).rejects.toMatchObject(BUSY);
    world.clock.advance(90_000);
    await expect(execute(id)).rejects.toMatchObject({ code: 'HTTP_429' });
    expect(await execute(id)).toBe('done');
    expect(heard.map(({ isRepeat }) => isRepeat)).toEqual([false, true, true]);
  });

  it('is asked for by one of many workers at once', async () => {
    const heard = answering();
    const { id } = await ask(await rail.buy());
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => execute(id)));
    expect(outcomes).toContainEqual({ status: 'fulfilled', value: 'done' });
    expect(heard).toHaveLength(1);
  });

  it('is not held up by a mark from before the clock was moved back', async () => {
    const heard = answering();
    const { id } = await ask(await rail.buy());
    await world.sql('UPDATE refund SET asked_at = $2 WHERE id = $1', [
      id,
      new Date(world.clock.now().getTime() + DAY_MS),
    ]);
    expect(await execute(id)).toBe('done');
    expect(heard).toEqual([{ refundId: id, isRepeat: true }]);
  });
});

/** The world as a process sees it that dies before its next transaction. */
function dyingAtCommit(ctx: Ctx): Ctx {
  const db = new Proxy(ctx.db, {
    get: (target, property, receiver) =>
      property === '$transaction' ? () => Promise.reject(new Error('killed')) : Reflect.get(target, property, receiver),
  });
  return { ...ctx, db };
}

describe('a refund that was done and came back', () => {
  it('gives the right back and undoes the books, once, whatever is told in which order afterwards', async () => {
    const charge = await rail.buy();
    const whole = refunded(charge, charge.amount);
    await rail.tell(whole);
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'refunded', owed: 0n, hasRight: false });
    const back = failed(charge, whole.reference);
    await rail.tell(back);
    const undone = {
      status: 'succeeded',
      returned: 0n,
      refunds: [['failed', 101]],
      owed: SHARE,
      hasRight: true,
    };
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject(undone);
    const again = [whole, back].map((event) => ({ ...event, eventId: rail.name('evt') }));
    for (const event of [whole, back, ...again, ...again.toReversed()]) {
      await rail.tell(event);
      expect(await outcomeOf(world, charge.chargeId)).toMatchObject(undone);
    }
    await rail.tell(refunded(charge, charge.amount));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'refunded', owed: 0n, hasRight: false });
  });

  it('stays done where its provider only knows of nothing more that will come', async () => {
    const charge = await rail.buy();
    const whole = refunded(charge, charge.amount);
    await rail.tell(whole);
    await rail.tell(failed(charge, whole.reference, null, false));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'refunded', owed: 0n, hasRight: false });
  });

  it('told before it is done, by an id of ours, is never done', async () => {
    const charge = await rail.buy();
    const { id } = await ask(charge);
    await rail.tell(failed(charge, `re_${id}`, id));
    await rail.tell(refunded(charge, charge.amount, { reference: `re_${id}`, refundId: id }));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'succeeded', refunds: [['failed', 101]] });
  });

  it('leaves the hold of its charge paid, and the payment refunding while another one runs', async () => {
    rail.change({
      refund: async ({ refundId }) => ({ status: 'pending', reference: `re_${refundId}`, claimUrl: null }),
    });
    const placed = await rail.place();
    const chargeId = rail.name('ch');
    const charge: Charge = { ...placed, chargeId, amount: 101n, currency: 'XTR' };
    await rail.tell({
      type: 'payment_pending',
      eventId: rail.name('evt'),
      occurredAt: world.clock.now(),
      invoiceId: placed.invoiceId,
      chargeId,
      price: { amount: 101n, currency: 'XTR' },
      progress: 'confirming',
      missing: null,
      instructionsUrl: null,
    });
    await rail.tell(rail.paid(placed, chargeId));
    const holdOf = async () =>
      (await world.sql('SELECT status::text FROM reservation WHERE charge_id = $1', [chargeId])).map(
        ({ status }) => status,
      );
    const [part, rest] = [refunded(charge, 61n), refunded(charge, 40n)];
    await rail.tell(part);
    await rail.tell(rest);
    expect(await holdOf()).toEqual(['refunded']);
    await rail.tell(failed(charge, rest.reference));
    expect(await holdOf()).toEqual(['paid']);
    await ask(charge, 20n);
    await rail.tell(failed(charge, part.reference));
    expect(await outcomeOf(world, chargeId)).toMatchObject({ status: 'refunding', returned: 0n, owed: SHARE });
  });

  it('stays without its right where the buyer has bought the same for good meanwhile', async () => {
    const charge = await rail.buy();
    const whole = refunded(charge, charge.amount);
    await rail.tell(whole);
    const { invoiceId } = await rail.order(charge.buyer, CATALOG.pluginOnce);
    const second = rail.name('ch');
    await rail.tell(rail.paid({ ...charge, invoiceId }, second));
    await rail.tell(failed(charge, whole.reference));
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'succeeded', hasRight: false });
    expect(await outcomeOf(world, second)).toMatchObject({ status: 'succeeded', hasRight: true });
  });
});

describe('a fee that the provider keeps', () => {
  const keeper = makeRail(world, { isFeeKept: true });

  it('stays in the books as the platform’s loss when all the rest has gone back', async () => {
    const charge = await keeper.buy();
    await keeper.tell({ ...refunded(charge, 60n), reference: 're_kept_1' });
    await keeper.tell({ ...refunded(charge, 41n), reference: 're_kept_2' });
    expect(await outcomeOf(world, charge.chargeId)).toMatchObject({ status: 'refunded', owed: 0n });
    expect(
      await world.sql(
        `SELECT account::text, sum(amount)::int AS amount FROM ledger_entry WHERE transaction_id = $1
           OR transaction_id IN (SELECT id FROM refund WHERE payment_id = $1) GROUP BY 1 ORDER BY 1`,
        [await paymentId(charge)],
      ),
    ).toEqual([
      { account: 'developer_payable', amount: 0 },
      { account: 'platform_revenue', amount: 0 },
      { account: 'processor_fees', amount: 6 },
      { account: 'provider_receivable', amount: -6 },
    ]);
  });
});

describe('requestRefund refuses', () => {
  it('what is no part of the charge, what runs otherwise, and whom it does not concern', async () => {
    const charge = await rail.buy();
    for (const amount of [0n, -1n, 102n]) expect(await reasonOf(ask(charge, amount))).toBe('refund_amount_wrong');
    await ask(charge, 40n);
    expect(await reasonOf(ask(charge, 41n))).toBe('refund_in_progress');
    expect(await reasonOf(ask({ ...charge, chargeId: 'ch_unknown' }))).toBe('payment_not_found');
    const request = { paymentId: await paymentId(charge) };
    expect(await reasonOf(requestRefund(rail.in(charge.buyer.ctx), request))).toBe('not_yours');
    expect(await reasonOf(requestRefund(rail.in(world.asServer(['payments:read'])), request))).toBe('scope_missing');
  });

  it('parts where the provider gives back the whole only, and all where it is done at the provider', async () => {
    const charge = await rail.buy();
    rail.change({ refunds: 'whole' });
    expect(await reasonOf(ask(charge, 40n))).toBe('refund_whole_only');
    rail.change({ refunds: 'none' });
    expect(await reasonOf(ask(charge))).toBe('refund_at_provider');
    rail.reset();
    await rail.tell(refunded(charge, 40n));
    rail.change({ refunds: 'whole' });
    expect(await reasonOf(ask(charge))).toBe('refund_whole_only');
  });

  it('a second while one runs: twenty at once are one', async () => {
    const charge = await rail.buy();
    const asked = await Promise.all(Array.from({ length: 20 }, () => ask(charge)));
    expect(new Set(asked.map(({ id }) => id)).size).toBe(1);
    expect(await world.sql('SELECT provider FROM payment WHERE charge_id = $1', [charge.chargeId])).toEqual([
      { provider: RAIL },
    ]);
    expect(await world.sql('SELECT 1 FROM job WHERE lane = $1', [`refund:${asked[0]?.id}`])).toHaveLength(1);
  });
});
