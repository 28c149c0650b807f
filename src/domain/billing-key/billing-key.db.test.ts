import { generateKey, readKey, readPrivateKey, revokeKey } from 'openpgp';
import { describe, expect, it } from 'vitest';
import { addKey } from '#domain/billing-key/add.ts';
import { proveKey } from '#domain/billing-key/prove.ts';
import { getKey, listKeys } from '#domain/billing-key/records.ts';
import { remindKeyEnds } from '#domain/billing-key/remind-ends.ts';
import { retireKey } from '#domain/billing-key/retire.ts';
import { MAX_CODE_TRIES } from '#domain/billing-key/rules.ts';
import { AppError } from '#domain/errors.ts';
import { dataKeyOf } from '#domain/identity/account.ts';
import { openBytes } from '#lib/crypto.ts';
import { KEY_FAULTS } from '#lib/openpgp-check.ts';
import { capturedKey } from '#lib/testing/keys.ts';
import { noticesOf } from '../../testing/books.ts';
import { type KeyPair, newKeyPair, readWith } from '../../testing/keys.ts';
import { type Buyer, DAY_MS, openWorld, START } from '../../testing/world.ts';

const world = openWorld();
const add = (buyer: Buyer, text: string) => addKey(buyer.ctx, { userId: buyer.id, text });
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof AppError ? error.reason : Promise.reject(error)),
  );

/** What an upload asks its owner to enter. */
async function codeFor({ privateKey }: Pick<KeyPair, 'privateKey'>, message: string | null): Promise<string> {
  return (await readWith(privateKey, message ?? '')).trim();
}

/** A key in use, as its owner sees it. */
async function inUse(buyer: Buyer, pair: KeyPair) {
  const { key } = await add(buyer, pair.publicKey);
  return proveKey(buyer.ctx, { keyId: key.id, code: await codeFor(pair, key.message) });
}

async function auditOf(keyId: string): Promise<string[]> {
  const rows = await world.sql<{ action: string; data: object }>(
    'SELECT action, data FROM audit_event WHERE object_id = $1 ORDER BY seq',
    [keyId],
  );
  return rows.map(({ action, data }) => [action, ...Object.values(data)].join(' '));
}

describe('adding a key', () => {
  it('takes it into use once its owner read the code', async () => {
    const buyer = await world.newBuyer();
    const pair = await newKeyPair({ endsInDays: 730 });
    const { key, outcome } = await add(buyer, pair.publicKey);
    const fingerprint = pair.privateKey.getFingerprint().toUpperCase();
    expect(outcome).toBe('begun');
    expect(key).toMatchObject({
      state: 'unproven',
      fingerprint,
      userIds: ['Mio <mio@keys.test>'],
      algorithm: 'Curve25519',
      expiresAt: new Date(START.getTime() + 730 * DAY_MS),
      triesLeft: MAX_CODE_TRIES,
    });
    const code = await codeFor(pair, key.message);
    expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{8}$/);
    const proven = await proveKey(buyer.ctx, {
      keyId: key.id,
      code: ` ${code.slice(0, 4).toLowerCase()}-${code.slice(4)} `,
    });
    expect(proven).toMatchObject({ id: key.id, state: 'active', message: null, provenAt: world.clock.now() });
    expect(await listKeys(buyer.ctx, buyer.id)).toEqual([proven]);
    expect(await auditOf(key.id)).toEqual(['billing_key.begun', 'billing_key.proven']);
    // Once more changes nothing.
    expect(await proveKey(buyer.ctx, { keyId: key.id, code: 'whatever' })).toEqual(proven);
    expect(await auditOf(key.id)).toHaveLength(2);
  });

  it.each(['curve', 'rsa', 'sequoia'])(
    'keeps a key of another program, without what others certified: %s',
    async (name) => {
      const buyer = await world.newBuyer();
      const { key } = await add(buyer, capturedKey(name));
      expect(key.message).toContain('BEGIN PGP MESSAGE');
    },
  );

  it('is done with a key of GnuPG as well', async () => {
    const buyer = await world.newBuyer();
    const { key } = await add(buyer, capturedKey('curve'));
    const privateKey = await readPrivateKey({ armoredKey: capturedKey('curve-private') });
    const code = await codeFor({ privateKey }, key.message);
    expect(await proveKey(buyer.ctx, { keyId: key.id, code })).toMatchObject({ state: 'active' });
  });

  it('leaves nothing readable in the database', async () => {
    const buyer = await world.newBuyer();
    const pair = await newKeyPair();
    const { key } = await add(buyer, pair.publicKey);
    const code = await codeFor(pair, key.message);
    const [{ row = '' } = {}] = await world.sql<{ row: string }>(
      'SELECT k::text AS row FROM billing_key k WHERE id = $1',
      [key.id],
    );
    const publicKey = (await readKey({ armoredKey: pair.publicKey })).write();
    for (const secret of [key.fingerprint, 'Mio', 'keys.test', code])
      for (const form of [secret, Buffer.from(secret).toString('hex')])
        expect(row.toLowerCase()).not.toContain(form.toLowerCase());
    expect(row).not.toContain(Buffer.from(publicKey.slice(0, 40)).toString('hex'));
    const { sealed } = await world.database.prisma.billingKey.findUniqueOrThrow({ where: { id: key.id } });
    const opened = openBytes(await dataKeyOf(world.system, buyer.id), sealed).toString('utf8');
    expect(JSON.parse(opened)).toMatchObject({ publicKey: Buffer.from(publicKey).toString('base64') });
  });

  const samples = {
    private_block: 'curve-private',
    revoked: 'revoked',
    expired: 'expired',
    weak: 'dsa',
    sign_only: 'sign-only',
  };
  it.each(Object.entries(samples))('keeps nothing of one that is refused: %s', async (fault, name) => {
    const buyer = await world.newBuyer();
    expect(await refusalOf(add(buyer, capturedKey(name)))).toBe(`key_${fault}`);
    expect(KEY_FAULTS).toContain(fault);
    expect(await world.database.prisma.billingKey.count({ where: { userId: buyer.id } })).toBe(0);
  });

  it('is nobody else’s to do: neither another person’s, nor staff’s, nor a server’s', async () => {
    const [owner, other] = await Promise.all([world.newBuyer(), world.newBuyer()]);
    const pair = await newKeyPair();
    const { key } = await add(owner, pair.publicKey);
    const admin = world.as({ kind: 'user', userId: other.id, role: 'admin' });
    const proof = { keyId: key.id, code: await codeFor(pair, key.message) };
    for (const [ctx, seen, hidden] of [
      [other.ctx, 'not_yours', 'billing_key_not_found'],
      [admin, 'not_yours', 'billing_key_not_found'],
      [world.asServer(), 'session_missing', 'session_missing'],
      [world.door, 'session_missing', 'session_missing'],
    ] as const) {
      expect(await refusalOf(addKey(ctx, { userId: owner.id, text: pair.publicKey }))).toBe(seen);
      expect(await refusalOf(listKeys(ctx, owner.id))).toBe(seen);
      expect(await refusalOf(proveKey(ctx, proof))).toBe(hidden);
      expect(await refusalOf(retireKey(ctx, key.id))).toBe(hidden);
    }
    expect(await listKeys(other.ctx, other.id)).toEqual([]);
    expect((await getKey(owner.ctx, key.id)).status).toBe('unproven');
  });
});

describe('the code', () => {
  it('is tried five times at most, also by many at once', async () => {
    const buyer = await world.newBuyer();
    const pair = await newKeyPair();
    const { key } = await add(buyer, pair.publicKey);
    const code = await codeFor(pair, key.message);
    const wrong = await Promise.all(
      Array.from({ length: MAX_CODE_TRIES }, () => refusalOf(proveKey(buyer.ctx, { keyId: key.id, code: 'AAAAAAAA' }))),
    );
    expect(wrong.sort()).toEqual([...Array(MAX_CODE_TRIES - 1).fill('key_code_wrong'), 'key_codes_used_up']);
    expect(await refusalOf(proveKey(buyer.ctx, { keyId: key.id, code }))).toBe('key_codes_used_up');
    expect(await listKeys(buyer.ctx, buyer.id)).toMatchObject([{ state: 'unproven', triesLeft: 0, message: null }]);
    // Uploaded again, it has a new one.
    const again = await add(buyer, pair.publicKey);
    expect(again.key).toMatchObject({ id: key.id, triesLeft: MAX_CODE_TRIES });
    const next = await codeFor(pair, again.key.message);
    expect(next).not.toBe(code);
    expect(await proveKey(buyer.ctx, { keyId: key.id, code: next })).toMatchObject({ state: 'active' });
  });

  it('says how often it may still be tried', async () => {
    const buyer = await world.newBuyer();
    const { key } = await add(buyer, (await newKeyPair()).publicKey);
    await expect(proveKey(buyer.ctx, { keyId: key.id, code: 'AAAAAAAA' })).rejects.toMatchObject({
      details: { left: 4 },
    });
  });

  it('of a key that was taken out of use or has ended does nothing', async () => {
    const buyer = await world.newBuyer();
    const [gone, ending] = await Promise.all([newKeyPair(), newKeyPair({ endsInDays: 400 })]);
    const retired = (await add(buyer, gone.publicKey)).key;
    await retireKey(buyer.ctx, retired.id);
    const proof = { keyId: retired.id, code: await codeFor(gone, retired.message) };
    expect(await refusalOf(proveKey(buyer.ctx, proof))).toBe('billing_key_not_found');
    const late = (await add(buyer, ending.publicKey)).key;
    const code = await codeFor(ending, late.message);
    const at = { ...buyer.ctx, clock: { ...world.clock, now: () => new Date(START.getTime() + 401 * DAY_MS) } };
    expect(await refusalOf(proveKey(at, { keyId: late.id, code }))).toBe('key_encryption_expired');
  });
});

describe('how many keys', () => {
  it('a person may use is three, whoever of two comes first', async () => {
    const buyer = await world.newBuyer();
    const pairs = await Promise.all(Array.from({ length: 5 }, () => newKeyPair()));
    const begun = [];
    for (const pair of pairs.slice(0, 4)) {
      const { key } = await add(buyer, pair.publicKey);
      begun.push({ keyId: key.id, code: await codeFor(pair, key.message) });
    }
    const results = await Promise.all(begun.map((proof) => refusalOf(proveKey(buyer.ctx, proof))));
    expect(results.filter((reason) => reason !== null)).toEqual(['too_many_billing_keys']);
    const fifth = pairs[4]?.publicKey ?? '';
    await expect(add(buyer, fifth)).rejects.toMatchObject({ reason: 'too_many_billing_keys', details: { most: 3 } });
    const active = (await listKeys(buyer.ctx, buyer.id)).filter(({ state }) => state === 'active');
    expect(active).toHaveLength(3);
    await retireKey(buyer.ctx, active[0]?.id ?? '');
    expect(await add(buyer, fifth)).toMatchObject({ outcome: 'begun' });
  });

  it('may be begun within a day is five, also of one key and of keys that were taken out of use', async () => {
    const buyer = await world.newBuyer();
    const [one, two, three] = await Promise.all([newKeyPair(), newKeyPair(), newKeyPair()]);
    for (let time = 0; time < 3; time += 1) await add(buyer, one.publicKey);
    await retireKey(buyer.ctx, (await add(buyer, two.publicKey)).key.id);
    await add(buyer, one.publicKey);
    const refused = add(buyer, three.publicKey);
    await expect(refused).rejects.toMatchObject({ reason: 'too_many_keys_begun', retryAfterSeconds: 86_400 });
    expect(await refusalOf(add(buyer, one.publicKey))).toBe('too_many_keys_begun');
    await world.advance(DAY_MS);
    expect(await add(buyer, three.publicKey)).toMatchObject({ outcome: 'begun' });
    expect(await add(buyer, one.publicKey)).toMatchObject({ outcome: 'begun' });
  });

  it('is one where the same is uploaded twice at once', async () => {
    const buyer = await world.newBuyer();
    const pair = await newKeyPair();
    const both = await Promise.all([add(buyer, pair.publicKey), add(buyer, pair.publicKey)]);
    expect(new Set(both.map(({ key }) => key.id)).size).toBe(1);
    const codes = await Promise.all(both.map(({ key }) => codeFor(pair, key.message)));
    const keyId = both[0].key.id;
    const current = await codeFor(pair, (await listKeys(buyer.ctx, buyer.id))[0]?.message ?? null);
    const stale = codes.find((code) => code !== current) ?? '';
    expect(await refusalOf(proveKey(buyer.ctx, { keyId, code: stale }))).toBe('key_code_wrong');
    expect(await proveKey(buyer.ctx, { keyId, code: current })).toMatchObject({ state: 'active' });
  });
});

describe('a newer copy of a key in use', () => {
  /** The same key with another end, as its owner's program would write it. */
  async function withEnd(pair: KeyPair, days: number): Promise<string> {
    const { reformatKey } = await import('openpgp');
    const { publicKey } = await reformatKey({
      privateKey: pair.privateKey,
      userIDs: [{ name: 'Mio', email: 'mio@keys.test' }],
      date: world.clock.now(),
      keyExpirationTime:
        Math.round((world.clock.now().getTime() - pair.privateKey.getCreationTime().getTime()) / 1000) + days * 86_400,
      format: 'armored',
    });
    return publicKey;
  }

  it('brings a later end at once, and an older copy does not take it back', async () => {
    const buyer = await world.newBuyer();
    const pair = await newKeyPair({ date: world.clock.now(), endsInDays: 10 });
    const { id } = await inUse(buyer, pair);
    await world.advance(11 * DAY_MS);
    expect(await listKeys(buyer.ctx, buyer.id)).toMatchObject([{ id, state: 'expired' }]);
    expect(await refusalOf(add(buyer, pair.publicKey))).toBe('key_expired');
    const extended = await add(buyer, await withEnd(pair, 100));
    const expiresAt = new Date(world.clock.now().getTime() + 100 * DAY_MS);
    expect(extended).toMatchObject({ outcome: 'updated', key: { id, state: 'active', message: null, expiresAt } });
    expect(await add(buyer, pair.publicKey)).toMatchObject({ outcome: 'updated', key: { id, expiresAt } });
    expect(await auditOf(id)).toEqual([
      'billing_key.begun',
      'billing_key.proven',
      'billing_key.updated',
      'billing_key.updated',
    ]);
  });

  it('that revokes it takes it out of use for good', async () => {
    const buyer = await world.newBuyer();
    const { privateKey, revocationCertificate } = await generateKey({
      userIDs: [{ name: 'Mio' }],
      date: START,
      format: 'object',
    });
    const pair = { privateKey, publicKey: privateKey.toPublic().armor() };
    const { id } = await inUse(buyer, pair);
    const { publicKey: revoked } = await revokeKey({
      key: privateKey.toPublic(),
      revocationCertificate,
      date: world.clock.now(),
      format: 'armored',
    });
    for (let time = 0; time < 2; time += 1)
      expect(await add(buyer, revoked)).toMatchObject({ outcome: 'retired', key: { id, state: 'retired' } });
    expect(await auditOf(id)).toEqual(['billing_key.begun', 'billing_key.proven', 'billing_key.retired revoked']);
  });
});

describe('taking a key out of use', () => {
  it('keeps it in the list, and it may come back as a new one would', async () => {
    const buyer = await world.newBuyer();
    const pair = await newKeyPair();
    const used = await inUse(buyer, pair);
    await Promise.all([retireKey(buyer.ctx, used.id), retireKey(buyer.ctx, used.id)]);
    expect(await listKeys(buyer.ctx, buyer.id)).toMatchObject([
      { id: used.id, state: 'retired', fingerprint: used.fingerprint, retiredAt: world.clock.now() },
    ]);
    expect(await auditOf(used.id)).toEqual(['billing_key.begun', 'billing_key.proven', 'billing_key.retired asked']);
    const again = await inUse(buyer, pair);
    expect(again).toMatchObject({ id: used.id, state: 'active', retiredAt: null });
  });

  it('leaves nothing to see of one that never was in use', async () => {
    const buyer = await world.newBuyer();
    const { key } = await add(buyer, (await newKeyPair()).publicKey);
    await retireKey(buyer.ctx, key.id);
    expect(await listKeys(buyer.ctx, buyer.id)).toEqual([]);
  });
});

describe('the end of a key', () => {
  it('is told 30, 7 and 1 days ahead and once it is there, each once', async () => {
    const buyer = await world.newBuyer();
    const now = world.clock.now();
    const lasting = await inUse(buyer, await newKeyPair({ date: now }));
    const key = await inUse(buyer, await newKeyPair({ date: now, endsInDays: 40 }));
    const gone = await inUse(buyer, await newKeyPair({ date: now, endsInDays: 40 }));
    await retireKey(buyer.ctx, gone.id);
    const told: number[] = [];
    let day = 0;
    for (const at of [9, 10, 10.5, 33, 34, 38.9, 39, 40, 45]) {
      await world.advance((at - day) * DAY_MS);
      day = at;
      await Promise.all([remindKeyEnds(world.system), remindKeyEnds(world.system)]);
      told.push((await noticesOf(world, buyer.id))['key_expiring'] ?? 0);
    }
    expect(told).toEqual([0, 1, 1, 2, 2, 2, 3, 4, 4]);
    expect(await auditOf(key.id)).toEqual(['billing_key.begun', 'billing_key.proven', 'billing_key.expired']);
    expect(await auditOf(gone.id)).not.toContain('billing_key.expired');
    expect(await auditOf(lasting.id)).toHaveLength(2);
    // Nothing is retired by itself: its owner may extend it.
    expect((await getKey(buyer.ctx, key.id)).status).toBe('active');
  });

  it('that was shown when it was added is not told again before the next step', async () => {
    const buyer = await world.newBuyer();
    const now = world.clock.now();
    expect(await inUse(buyer, await newKeyPair({ date: now, endsInDays: 20 }))).toMatchObject({ state: 'expiring' });
    await remindKeyEnds(world.system);
    expect((await noticesOf(world, buyer.id))['key_expiring'] ?? 0).toBe(0);
    await world.advance(13 * DAY_MS);
    await remindKeyEnds(world.system);
    expect((await noticesOf(world, buyer.id))['key_expiring']).toBe(1);
  });
});
