import { createTRPCClient, httpLink, type TRPCClientError } from '@trpc/client';
import { readKey } from 'openpgp';
import { describe, expect, it } from 'vitest';
import { asActor, newId } from '#domain/context/context.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { giveKey, readRecord } from '../testing/keys.ts';
import type { AppRouter } from './router.ts';
import { type Person, useWorld } from './testing/world.ts';

// biome-ignore lint/correctness/useHookAtTopLevel: no React hook.
const world = useWorld();
const clientOf = ({ token }: Pick<Person, 'token'>) =>
  createTRPCClient<AppRouter>({
    links: [httpLink({ url: `${world.url}/api/trpc`, headers: { authorization: `Bearer ${token}` } })],
  });
const recordsOf = (person: Pick<Person, 'token'>, ...paymentIds: string[]) =>
  clientOf(person).records.forPayments.query({ paymentIds });
const keyOf = ({ userId }: Person) =>
  giveKey({ id: userId, ctx: asActor(world.ctx, { kind: 'system', name: 'test' }) });
const bytesOf = (ciphertext: string | null) => new Uint8Array(Buffer.from(ciphertext ?? '', 'base64'));

/** A record beside those of the purchase itself. */
function addRecord(userId: string, record: { objectId: string; type: 'refund' | 'revenue_share'; bytes?: number }) {
  const { bytes = 1, ...row } = record;
  const now = world.clock.now();
  const sealed = { ciphertext: new Uint8Array(bytes), sha256: new Uint8Array(32), sealedAt: now };
  const id = newId(world.ctx, 'rec');
  return world.ctx.db.billingRecord.create({
    data: { id, userId, status: 'sealed', createdAt: now, ...sealed, ...row },
  });
}

async function addRefund(paymentId: string) {
  const id = newId(world.ctx, 'ref');
  const refund = { id, paymentId, status: 'failed', reason: 'requested', amount: 1n, currency: 'XTR' } as const;
  await world.ctx.db.refund.create({ data: { ...refund, requestedBy: 'test', createdAt: world.clock.now() } });
  return id;
}

describe('the records of payments', () => {
  it('come encrypted to their owner, with the key that signed them', async () => {
    const person = await world.person();
    const key = await keyOf(person);
    const { paymentId } = await world.buy(person, 'month');
    const answer = await recordsOf(person, paymentId);
    expect(answer).toMatchObject({ isWhole: true, records: [{ paymentId, type: 'payment', state: 'sealed' }] });
    const [record] = answer.records;
    expect(await readRecord(bytesOf(record?.ciphertext ?? null), key)).toMatchObject({
      record: record?.id,
      about: paymentId,
      item: { plan: { name: 'Pro' } },
    });
    const signing = await clientOf(person).records.signingKey.query();
    const armored = await readKey({ armoredKey: signing.publicKey });
    expect([armored.isPrivate(), armored.getFingerprint().toUpperCase()]).toEqual([false, signing.fingerprint]);
    expect(signing.fingerprint).toBe(world.ctx.signer.publicKeys[0].getFingerprint().toUpperCase());
  });

  it('of others are none, whoever asks', async () => {
    const owner = await world.person();
    await keyOf(owner);
    const { paymentId } = await world.buy(owner, 'month');
    const own = await world.buy(await world.person(), 'month');
    for (const other of [await world.person(), await world.person('support'), await world.person('admin')])
      expect(await recordsOf(other, paymentId, own.paymentId)).toEqual({ records: [], isWhole: true });
    // One that is in another's name, about this payment, is not this payment's owner's.
    const third = await world.person();
    await addRecord(third.userId, { objectId: await addRefund(paymentId), type: 'refund' });
    expect((await recordsOf(owner, paymentId)).records).toHaveLength(1);
    expect((await recordsOf(third, paymentId)).records).toEqual([]);
    const refused = await recordsOf({ token: await world.key() }, paymentId).catch((error: unknown) => error);
    expect((refused as TRPCClientError<AppRouter>).data?.httpStatus).toBe(401);
  });

  it('say what became of each: waiting, delivered, dropped', async () => {
    const person = await world.person();
    const { paymentId } = await world.buy(person, 'month');
    expect((await recordsOf(person, paymentId)).records).toMatchObject([{ state: 'waiting', ciphertext: null }]);
    const other = await world.person();
    await keyOf(other);
    const bought = await world.buy(other, 'plugin');
    const now = world.clock.now();
    const change = (data: object) => world.ctx.db.billingRecord.updateMany({ where: { userId: other.userId }, data });
    await change({ status: 'delivered', deliveredAt: now });
    const [delivered] = (await recordsOf(other, bought.paymentId)).records;
    expect(delivered?.state).toBe('delivered');
    expect(bytesOf(delivered?.ciphertext ?? null).length).toBeGreaterThan(100);
    await change({ ciphertext: null, droppedAt: now });
    expect((await recordsOf(other, bought.paymentId)).records).toMatchObject([{ state: 'dropped', ciphertext: null }]);
  });

  it('are those of what went back, too, and not the developer’s', async () => {
    const person = await world.person();
    await keyOf(person);
    const { paymentId } = await world.buy(person, 'plugin');
    const refund = await addRefund(paymentId);
    await addRecord(person.userId, { objectId: refund, type: 'refund' });
    await addRecord(person.userId, { objectId: `${refund}/undo`, type: 'refund' });
    const dispute = {
      id: newId(world.ctx, 'dsp'),
      paymentId,
      reference: TEST_VAULT.conceal(refund),
      status: 'won',
    } as const;
    const at = world.clock.now();
    await world.ctx.db.dispute.create({
      data: { ...dispute, amount: 1n, currency: 'XTR', createdAt: at, closedAt: at },
    });
    await addRecord(person.userId, { objectId: dispute.id, type: 'refund' });
    await addRecord(person.userId, { objectId: paymentId, type: 'revenue_share' });
    const { records } = await recordsOf(person, paymentId);
    expect(records.map(({ type }) => type).sort()).toEqual(['payment', 'refund', 'refund', 'refund']);
    expect(new Set(records.map((record) => record.paymentId))).toEqual(new Set([paymentId]));
  });

  it('that are too many for an answer say so, and come when fewer are asked for', async () => {
    const person = await world.person();
    await keyOf(person);
    const first = await world.buy(person, 'plugin');
    world.clock.advance(1_000);
    const second = await world.buy(person, 'month');
    await addRecord(person.userId, { objectId: await addRefund(second.paymentId), type: 'refund', bytes: 786_432 });
    const both = await recordsOf(person, first.paymentId, second.paymentId);
    expect(both.isWhole).toBe(false);
    expect(both.records.length).toBeLessThan(3);
    expect(both.records.map(({ paymentId }) => paymentId)).not.toContain(first.paymentId);
    expect(await recordsOf(person, first.paymentId)).toMatchObject({ isWhole: true, records: [{ type: 'payment' }] });
  });

  it('are asked for by one to fifty ids of ours', async () => {
    const person = await world.person();
    const refused = async (...ids: string[]) =>
      ((await recordsOf(person, ...ids).catch((error: unknown) => error)) as TRPCClientError<AppRouter>).data
        ?.httpStatus;
    expect(await refused()).toBe(400);
    expect(await refused("' OR 1=1 --")).toBe(400);
    expect(await refused(...Array.from({ length: 51 }, (_, index) => `pay_${index}`))).toBe(400);
    expect(await recordsOf(person, ...Array.from({ length: 50 }, (_, index) => `pay_${index}`))).toEqual({
      records: [],
      isWhole: true,
    });
  });
});
