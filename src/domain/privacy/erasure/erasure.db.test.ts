import { afterEach, describe, expect, it } from 'vitest';
import { recordAudit } from '#domain/audit/record.ts';
import { verifyAudit } from '#domain/audit/verify.ts';
import { cancelInvoice } from '#domain/checkout/cancel.ts';
import type { Ctx } from '#domain/context/context.ts';
import { findTelegramId } from '#domain/identity/account.ts';
import { authenticate, issueSession } from '#domain/identity/session.ts';
import { forgetMethod } from '#domain/payment-method/remove.ts';
import { bindLog } from '#domain/personal-log/bind.ts';
import { requestExport } from '#domain/privacy/export/request.ts';
import { listSeen } from '#domain/privacy/seen.ts';
import { ProviderError } from '#domain/provider/error.ts';
import { changeSubscription } from '#domain/subscription/change.ts';
import { endSubscriptions } from '#domain/subscription/run-schedule.ts';
import { forgetBodies } from '#domain/webhook/forget-bodies.ts';
import { expectWholeBooks, jobsOf } from '../../../testing/books.ts';
import { CATALOG } from '../../../testing/catalog.ts';
import { makeKeeper, reasonOf } from '../../../testing/keeper.ts';
import { giveKey } from '../../../testing/keys.ts';
import { entriesNaming, ownIds } from '../../../testing/own-audit.ts';
import { makeRail, RAIL } from '../../../testing/rail.ts';
import { type Buyer, DAY_MS, openWorld } from '../../../testing/world.ts';
import { askErasure, cancelErasure } from './ask.ts';
import { previewErasure } from './preview.ts';
import type { ErasureReport } from './rules.ts';
import { queueErasures, runErasure, type TellErased } from './run.ts';

const world = openWorld();
const rail = makeRail(world);
const keeper = makeKeeper(world, rail);
const within = () => rail.in(world.system);

afterEach(async () => {
  rail.reset();
  await expectWholeBooks(world.system);
});

const ask = (buyer: Buyer, typed = 'DELETE') => askErasure(buyer.ctx, { userId: buyer.id, typed, language: 'en' });
const rowOf = (id: string) => world.database.prisma.erasure.findUniqueOrThrow({ where: { id } });

/** How many jobs stand for an erasure after what is due was queued. */
const queued = async (id: string) => {
  await queueErasures(world.system);
  return (await world.sql('SELECT 1 FROM job WHERE lane = $1', [`erasure:${id}`])).length;
};

/** What was told, and to whom. */
type Telling = { report: ErasureReport; account: bigint | null };
const listener = (answers: Array<Awaited<ReturnType<TellErased>>> = []) => {
  const heard: Telling[] = [];
  const tell: TellErased = async (ctx, { report, userId }) => {
    const answer = answers.shift() ?? 'told';
    if (answer === 'told') heard.push({ report, account: await findTelegramId(ctx, userId) });
    return answer;
  };
  return { heard, tell };
};

/** Does the erasure and the jobs of its cards until nothing is left to do; the clock goes to whatever waits. */
async function runThrough(id: string, tell: TellErased, ctx: Ctx = within()): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) {
    const wait = await runErasure(ctx, id, tell);
    if (!wait) return;
    for (const { methodId } of await jobsOf(world, 'forget_method'))
      if (methodId) await forgetMethod(ctx, methodId).catch(ignoreProvider);
    world.clock.advance(wait.afterSeconds * 1_000);
  }
  throw new Error('an erasure does not end');
}
const ignoreProvider = (error: unknown) => {
  if (!(error instanceof ProviderError)) throw error;
};

/** Somebody of whom there is something of everything. */
async function fullPerson(): Promise<Buyer> {
  keeper.keeping();
  const buyer = await world.newBuyer();
  await keeper.stored(buyer);
  await keeper.add(buyer);
  // One record waits for a key, the others are encrypted.
  await world.buy(buyer, CATALOG.proYear);
  await giveKey(buyer);
  await world.buy(buyer, CATALOG.pluginOnce);
  const { invoiceId } = await world.buy(buyer, CATALOG.basicMonth);
  const { id } = await world.database.prisma.subscription.findUniqueOrThrow({ where: { invoiceId } });
  await changeSubscription(world.system, { subscriptionId: id, event: 'cancelled', by: 'user' });
  await bindLog(world.system, { userId: buyer.id, group: { chatId: -1_002_000_000_001, topicId: 5 } });
  const answer = { scope: buyer.id, key: 'k', requestHash: new Uint8Array(1), lockedUntil: world.clock.now() };
  await world.database.prisma.idempotencyKey.create({ data: answer });
  return buyer;
}

/** A person whose erasure was asked for a day ago. */
async function due(buyer: Buyer): Promise<string> {
  const { id } = await ask(buyer);
  world.clock.advance(DAY_MS);
  return id;
}

/** Every place in which a text or some bytes stand, in any table, as text, in hexadecimal or as bytes. */
async function findEverywhere(needles: ReadonlyArray<string | Uint8Array>): Promise<string[]> {
  const tables = await world.sql<{ name: string }>(
    `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
  );
  const texts = needles.flatMap((needle) =>
    typeof needle === 'string'
      ? [needle, Buffer.from(needle).toString('hex'), Buffer.from(needle).toString('base64').replace(/=+$/, '')]
      : [Buffer.from(needle).toString('hex'), Buffer.from(needle).toString('base64').replace(/=+$/, '')],
  );
  const found: string[] = [];
  for (const { name } of tables)
    for (const text of texts) {
      const rows = await world.sql(`SELECT 1 FROM ${name} t WHERE position(lower($1) in lower(t::text)) > 0`, [text]);
      if (rows.length > 0) found.push(`${name}: ${text}`);
    }
  return found;
}

describe('what orders and subscriptions were for', () => {
  it('goes at once, and that a copy was asked for, though the rows stay for their time', async () => {
    const buyer = await world.newBuyer();
    const unpaid = await world.order(buyer, CATALOG.proYear);
    await cancelInvoice(buyer.ctx, unpaid.invoiceId);
    const { invoiceId } = await world.buy(buyer, CATALOG.basicMonth);
    const subscription = await world.database.prisma.subscription.findUniqueOrThrow({ where: { invoiceId } });
    const { id: subscriptionId } = subscription;
    await changeSubscription(world.system, { subscriptionId, event: 'cancelled', by: 'user' });
    world.clock.set(new Date(subscription.currentPeriodEnd.getTime() + DAY_MS));
    await endSubscriptions(world.system);
    const asked = await requestExport(buyer.ctx, buyer.id);
    const { heard, tell } = listener();
    await runThrough(await due(buyer), tell);
    const { dataExport, invoice, subscription: subscriptions } = world.database.prisma;
    expect(await invoice.findUniqueOrThrow({ where: { id: unpaid.invoiceId } })).toMatchObject({
      ...{ status: 'cancelled', planId: null, priceId: null, productId: null },
    });
    expect(await subscriptions.findUniqueOrThrow({ where: { id: subscriptionId } })).toMatchObject({
      ...{ status: 'expired', planId: null, priceId: null, productId: null },
    });
    expect(await dataExport.findMany({ where: { id: asked.id } })).toEqual([]);
    expect(await world.sql('SELECT 1 FROM job WHERE lane = $1', [`export:${buyer.id}`])).toEqual([]);
    const erased = heard[0]?.report.erased ?? [];
    for (const name of ['order_items', 'subscription_items', 'copies'])
      expect(erased).toContainEqual(expect.objectContaining({ class: name, count: 1 }));
  });
});

describe('asking', () => {
  it('needs the word of the language, is one however often, and can be taken back until it begins', async () => {
    const buyer = await world.newBuyer();
    expect(await reasonOf(ask(buyer, 'delete'))).toBe('erasure_word_wrong');
    expect(await reasonOf(ask(buyer, '消去する'))).toBe('erasure_word_wrong');
    const other = await world.newBuyer();
    const stolen = askErasure(other.ctx, { userId: buyer.id, typed: 'DELETE', language: 'en' });
    expect(await reasonOf(stolen)).toBe('not_yours');
    const [first, second] = await Promise.all([ask(buyer), ask(buyer, ' DELETE ')]);
    expect(second.id).toBe(first.id);
    expect(first.dueAt.getTime() - first.requestedAt.getTime()).toBe(DAY_MS);
    expect(await jobsOf(world, 'send_notice')).toContainEqual({
      userId: buyer.id,
      kind: 'erasure_asked',
      objectId: first.id,
    });
    await cancelErasure(buyer.ctx, buyer.id);
    expect((await rowOf(first.id)).status).toBe('cancelled');
    expect(await reasonOf(cancelErasure(buyer.ctx, buyer.id))).toBe('erasure_not_found');
    const again = await askErasure(buyer.ctx, { userId: buyer.id, typed: '消去する', language: 'ja' });
    expect(again.id).not.toBe(first.id);
  });

  it('does nothing before its time, nor after it was taken back', async () => {
    const buyer = await world.newBuyer();
    const { id } = await ask(buyer);
    expect(await queued(id)).toBe(0);
    const { heard, tell } = listener();
    await runThrough(id, tell);
    expect((await rowOf(id)).status).toBe('waiting');
    await cancelErasure(buyer.ctx, buyer.id);
    world.clock.advance(DAY_MS);
    expect(await queued(id)).toBe(0);
    await runThrough(id, tell);
    expect(heard).toEqual([]);
    expect(await findTelegramId(world.system, buyer.id)).toBe(buyer.telegramId);
  });

  it('is refused while money moves or others rely on the person, and says why', async () => {
    const kinds = async (buyer: Buyer) => (await previewErasure(buyer.ctx, buyer.id)).blockers.map(({ kind }) => kind);
    const subscriber = await world.newBuyer();
    await world.buy(subscriber, CATALOG.basicMonth);
    expect(await kinds(subscriber)).toEqual(['subscription']);
    expect(await reasonOf(ask(subscriber))).toBe('erasure_blocked');

    const ordering = await world.newBuyer();
    await world.order(ordering, CATALOG.proYear);
    expect(await kinds(ordering)).toEqual(['order']);

    const charge = await rail.buy();
    expect(await kinds(charge.buyer)).toEqual([]);
    await rail.tell({
      type: 'payment_disputed',
      eventId: rail.name('evt'),
      chargeId: charge.chargeId,
      reference: 'd_1',
      status: 'open',
      amount: { amount: charge.amount, currency: 'XTR' },
      fee: 0n,
    } as never);
    expect(await kinds(charge.buyer)).toEqual(['dispute']);

    const developer = await world.newBuyer();
    await world.sql("UPDATE product SET developer_user_id = $1 WHERE id = 'prd_plugin'", [developer.id]);
    await world.buy(await world.newBuyer(), CATALOG.pluginOnce);
    expect((await previewErasure(developer.ctx, developer.id)).blockers).toEqual([
      { kind: 'balance', amount: 71n, currency: 'XTR' },
      { kind: 'products', count: 1 },
    ]);
    await world.sql("UPDATE product SET developer_user_id = 'usr_developer' WHERE id = 'prd_plugin'");
  });

  it('and buying at the same moment: one of both comes first', async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 8; round += 1) {
      const buyer = await world.newBuyer();
      const both = await Promise.all([reasonOf(ask(buyer)), reasonOf(world.order(buyer, CATALOG.pluginOnce))]);
      expect([
        ['done', 'erasure_waiting'],
        ['erasure_blocked', 'done'],
      ]).toContainEqual(both);
      outcomes.add(both.join());
    }
    expect(outcomes.size).toBeGreaterThan(0);
  });
});

describe('an erasure', () => {
  it('takes what it said, leaves what it said, and tells so before the key goes', async () => {
    const buyer = await fullPerson();
    const before = await previewErasure(buyer.ctx, buyer.id);
    expect(before.blockers).toEqual([]);
    const id = await due(buyer);
    const session = await issueSession(world.door, buyer);
    expect(await reasonOf(authenticate(world.door, session.token))).toBe('done');
    expect(await queued(id)).toBe(1);
    expect(await queued(id)).toBe(1);
    const { heard, tell } = listener();
    await runThrough(id, tell);

    expect(heard).toHaveLength(1);
    expect(heard[0]?.account).toBe(buyer.telegramId);
    const report = heard[0]?.report;
    const row = await rowOf(id);
    expect(row.status).toBe('completed');
    expect(row.report).toEqual(report);
    const erased = Object.fromEntries((report?.erased ?? []).map(({ class: name, count }) => [name, count]));
    const foretold = Object.fromEntries(before.goes.map(({ class: name, count }) => [name, count]));
    // Asking queued one message more, and orders that are paid have links that can be emptied by now.
    expect({ ...erased, messages: 0 }).toEqual({ ...foretold, messages: 0 });
    expect(erased).toMatchObject({
      stored_cards: 2,
      encrypted_records: 4,
      billing_keys: 1,
      rights: 3,
      identity_link: 1,
    });
    const retained = Object.fromEntries((report?.retained ?? []).map(({ class: name, count }) => [name, count]));
    expect(retained).toMatchObject({ payments: 3, orders: 3, subscriptions: 1 });
    expect(report?.retained.find(({ class: name }) => name === 'payments')?.until).toMatch(/^2033-/);
    // What the prices on show make of an amount is theirs to know: the interval and whose product it was stay too.
    for (const kept of ['payments', 'orders'])
      expect(report?.retained.find(({ class: name }) => name === kept)?.fields).toEqual(
        expect.arrayContaining(['kind', 'way of paying', 'developer of the plugin']),
      );
    expect(report?.third_parties).toContainEqual({ processor: RAIL, action: 'card_removed' });
    expect(report?.audit_head).toMatch(/^sha256:[0-9a-f]{64}$/);

    // Whoever still has their session is nobody, and whoever comes back is somebody new.
    expect(await reasonOf(authenticate(world.door, session.token))).toBe('session_expired');
    expect(await reasonOf(rail.order(buyer, CATALOG.pluginOnce))).toBe('erasure_waiting');
    expect(await verifyAudit(world.system, { after: 0n, limit: null })).toMatchObject({ ok: true });
    const counts = await world.sql<{ count: number }>('SELECT count(*)::int AS count FROM payment WHERE user_id = $1', [
      buyer.id,
    ]);
    expect(counts).toEqual([{ count: 3 }]);
  });

  it('says of how many audit entries that name its person it leaves, deleted things among them, as the seen card does', async () => {
    const buyer = await fullPerson();
    const auditOf = (kept: ErasureReport['retained'] | undefined) =>
      kept?.find(({ class: name }) => name === 'audit')?.count;
    const named = async (ids: ReadonlySet<string>) => (await entriesNaming(world, buyer.id, ids)).length;
    const before = await ownIds(world, buyer.id);
    for (const objectId of before) await recordAudit(world.system, { action: 'test.done', objectId });
    const foretold = auditOf([...(await previewErasure(buyer.ctx, buyer.id)).stays]);
    expect(foretold).toBe(await named(before));
    expect((await listSeen(buyer.ctx, buyer.id)).audit).toMatchObject({ count: foretold, isMore: false });
    const id = await due(buyer);
    const { heard, tell } = listener();
    await runThrough(id, tell);
    const left = await ownIds(world, buyer.id);
    expect(left.size).toBeLessThan(before.size);
    // That it was completed is written after the report.
    expect(auditOf(heard[0]?.report.retained)).toBe((await named(new Set([...before, id]))) - 1);
  });

  it('takes the links of orders that were never paid, and says who was told of them', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.order(buyer, CATALOG.proYear);
    await cancelInvoice(buyer.ctx, invoiceId);
    const { paymentAttempt, reservation } = world.database.prisma;
    const { provider } = await paymentAttempt.findFirstOrThrow({ where: { invoiceId } });
    const [chargeId, instructionsUrl] = [rail.name('~charge'), '~where to send it'];
    const { id } = await reservation.create({
      data: {
        ...{ id: rail.name('rsv'), provider, chargeId, invoiceId, amount: 1n, currency: 'JPY', status: 'cancelled' },
        ...{
          askedAt: world.clock.now(),
          createdAt: world.clock.now(),
          cancelledAt: world.clock.now(),
          instructionsUrl,
        },
      },
    });
    const { heard, tell } = listener();
    await runThrough(await due(buyer), tell);
    expect(await reservation.findUniqueOrThrow({ where: { id } })).toMatchObject({ instructionsUrl: null });
    expect(heard[0]?.report.third_parties).toContainEqual({
      processor: provider,
      action: 'keeps_its_own_payment_records',
    });
  });

  it('leaves the Telegram id in no row of any table, in no form', async () => {
    const buyer = await fullPerson();
    const { telegramId } = buyer;
    const binary = Buffer.alloc(8);
    binary.writeBigInt64BE(telegramId);
    const subject = world.door.vault.subjectOf(telegramId);
    const needles = [telegramId.toString(), telegramId.toString(16).padStart(8, '0'), binary, subject];
    expect(await findEverywhere([subject])).not.toEqual([]);
    await runThrough(await due(buyer), listener().tell);
    expect(await findEverywhere(needles)).toEqual([]);
    // What providers told lies under the server's own key, for days, and goes by itself.
    const bodies = async () => {
      const rows = await world.sql<{ body: Buffer }>('SELECT body FROM webhook_event WHERE body IS NOT NULL');
      return rows.filter(({ body }) => world.door.vault.open(body).toString().includes(telegramId.toString())).length;
    };
    expect(await bodies()).toBeGreaterThan(0);
    world.clock.advance(8 * DAY_MS);
    while ((await forgetBodies(world.system)) > 0);
    expect(await bodies()).toBe(0);
  });

  it('goes on wherever it was killed, and counts everything once', async () => {
    const buyer = await fullPerson();
    const { goes } = await previewErasure(buyer.ctx, buyer.id);
    const id = await due(buyer);
    const { heard, tell } = listener();
    let kills = 0;
    for (let calls = 1; ; calls += 1) {
      const outcome = await runThrough(id, tell, dyingAfter(within(), calls)).then(
        () => 'done',
        (error: Error) => error.message,
      );
      if (outcome === 'done') break;
      expect(outcome).toBe('killed');
      kills += 1;
    }
    expect(kills).toBeGreaterThan(15);
    expect(heard.length).toBeGreaterThan(0);
    const row = await rowOf(id);
    expect(row.status).toBe('completed');
    const counts = row.counts as Record<string, number>;
    for (const { class: name, count } of goes)
      if (name !== 'settings' && name !== 'identity_link' && name !== 'messages')
        expect([name, counts[name]]).toEqual([name, count]);
    expect(await findTelegramId(world.system, buyer.id)).toBeNull();
  });

  it('and taking it back at the same moment: one of both comes first', async () => {
    for (let round = 0; round < 6; round += 1) {
      const buyer = await world.newBuyer();
      const id = await due(buyer);
      const [cancelled] = await Promise.all([
        reasonOf(cancelErasure(buyer.ctx, buyer.id)),
        runThrough(id, listener().tell),
      ]);
      const { status } = await rowOf(id);
      expect([
        ['done', 'cancelled', true],
        ['erasure_begun', 'completed', false],
        ['erasure_not_found', 'completed', false],
      ]).toContainEqual([cancelled, status, (await findTelegramId(world.system, buyer.id)) !== null]);
    }
  });

  it('does not begin when something came in between, and says so', async () => {
    const buyer = await world.newBuyer();
    const { invoiceId } = await world.order(buyer, CATALOG.basicMonth);
    await world.sql("UPDATE payment_attempt SET status = 'closed' WHERE invoice_id = $1", [invoiceId]);
    const id = await due(buyer);
    await world.sql("UPDATE payment_attempt SET status = 'live' WHERE invoice_id = $1", [invoiceId]);
    await runThrough(id, listener().tell);
    expect(await rowOf(id)).toMatchObject({ status: 'failed', report: { blockers: ['order'] } });
    expect(await jobsOf(world, 'send_notice')).toContainEqual({
      userId: buyer.id,
      kind: 'erasure_failed',
      objectId: id,
    });
  });

  it('waits for Telegram for a day, and is done without a word after it', async () => {
    const slow = await world.newBuyer();
    const first = listener(['wait', 'wait']);
    await runThrough(await due(slow), first.tell);
    expect(first.heard).toHaveLength(1);

    const silent = await world.newBuyer();
    const id = await due(silent);
    const never: TellErased = async () => 'wait';
    expect(await runErasure(world.system, id, never)).toEqual({ afterSeconds: 60, because: 'NOT_TOLD' });
    world.clock.advance(DAY_MS);
    expect(await runErasure(world.system, id, never)).toBeNull();
    expect(await findTelegramId(world.system, silent.id)).toBeNull();
  });

  it('is partial when a payment service does not say for a week that it forgot a card', async () => {
    keeper.keeping({ remove: async () => Promise.reject(new ProviderError('unavailable', 'NO_ANSWER')) });
    const buyer = await world.newBuyer();
    await keeper.stored(buyer);
    const id = await due(buyer);
    const { heard, tell } = listener();
    expect(await runErasure(within(), id, tell)).toMatchObject({ because: 'CARDS' });
    world.clock.advance(7 * DAY_MS);
    await runThrough(id, tell);
    expect((await rowOf(id)).status).toBe('completed_partially');
    expect(heard[0]?.report.third_parties).toContainEqual({ processor: RAIL, action: 'card_removal_not_confirmed' });
    expect(await world.sql('SELECT 1 FROM payment_method WHERE user_id = $1', [buyer.id])).toEqual([]);
  });

  it('takes what was being written while it was done, a minute later', async () => {
    const buyer = await world.newBuyer();
    const id = await due(buyer);
    await runThrough(id, listener().tell);
    await world.sql('INSERT INTO personal_log (user_id, updated_at) VALUES ($1, now())', [buyer.id]);
    const sweep = await world.sql<{ run_at: Date }>("SELECT run_at FROM job WHERE lane = 'erasure:' || $1", [id]);
    expect(sweep.at(-1)?.run_at.getTime()).toBe(world.clock.now().getTime() + 60_000);
    await runThrough(id, listener().tell);
    expect(await world.sql('SELECT 1 FROM personal_log WHERE user_id = $1', [buyer.id])).toEqual([]);
  });
});

/** A world whose database dies at its n-th call from now on, as it does for a process that is killed. */
function dyingAfter(ctx: Ctx, calls: number): Ctx {
  let left = calls;
  const count = () => {
    left -= 1;
    if (left < 0) throw new Error('killed');
  };
  const watch = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(of, name) {
        const value: unknown = Reflect.get(of, name, of);
        if (typeof value === 'function')
          return (...args: unknown[]) => {
            count();
            const [work] = args;
            const isTransaction = name === '$transaction' && typeof work === 'function';
            const given = isTransaction ? [(tx: object) => work(watch(tx)), ...args.slice(1)] : args;
            return value.apply(of, given);
          };
        return typeof value === 'object' && value !== null && typeof name === 'string' ? watch(value) : value;
      },
    });
  return { ...ctx, db: watch(ctx.db) };
}
