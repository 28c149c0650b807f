import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findSigningKey, publicKeysOf, type Signer } from '#lib/openpgp.ts';
import { newSigner } from '#lib/testing/vault.ts';
import { DAY_MS, openWorld, START } from '../../testing/world.ts';
import { measureBacklog } from './backlog.ts';
import { getAuditHead, signHeads } from './heads.ts';
import { recordAudit } from './record.ts';
import { verifyAudit } from './verify.ts';

const world = openWorld();
const record = (objectId: string) => recordAudit(world.system, { action: 'test.done', objectId });
const signatures = () =>
  world.sql<{ day: string; position: string }>('SELECT day::text, position::text FROM audit_signature ORDER BY day');
const hasGnupg = spawnSync('gpg', ['--version']).status === 0;

describe('signed heads', () => {
  it('come with the first day that is over, and with each after it once', async () => {
    expect(await signHeads(world.system)).toBe(0);
    await record('a');
    await record('b');
    // The day is not over.
    expect(await signHeads(world.system)).toBe(0);
    world.clock.set(new Date('2026-11-21T00:00:00.000Z'));
    await record('c');
    expect(await signHeads(world.system)).toBe(1);
    expect(await signHeads(world.system)).toBe(0);
    expect(await signatures()).toEqual([{ day: '2026-11-20', position: '2' }]);
  });

  it('are made up for, by many workers at once', async () => {
    world.clock.advance(DAY_MS);
    await record('d');
    world.clock.advance(2 * DAY_MS);
    const made = await Promise.all(Array.from({ length: 6 }, () => signHeads(world.system)));
    expect(made.reduce((sum, count) => sum + count)).toBe(3);
    // A day on which nothing happened is signed, too: nothing was added.
    expect(await signatures()).toEqual([
      { day: '2026-11-20', position: '2' },
      { day: '2026-11-21', position: '3' },
      { day: '2026-11-22', position: '4' },
      { day: '2026-11-23', position: '4' },
    ]);
    expect(await verifyAudit(world.system, { after: 0n, limit: null })).toMatchObject({ ok: true, signatures: 4 });
  });

  it('stay when the clock goes back', async () => {
    const now = world.clock.now();
    world.clock.set(START);
    expect(await signHeads(world.system)).toBe(0);
    expect((await verifyAudit(world.system, { after: 0n, limit: null })).ok).toBe(true);
    world.clock.set(now);
  });

  it('are what is kept outside', async () => {
    const { head, signed } = await getAuditHead(world.asServer(['audit:read']));
    expect(head?.position).toBe(4n);
    expect(signed).toMatchObject({ day: '2026-11-23', position: 4n });
    expect(signed?.text).toBe(`hoshi audit 2026-11-23 4 ${head?.hash.toString('hex')}`);
    await expect(getAuditHead(world.asServer(['revenue:read']))).rejects.toMatchObject({ reason: 'scope_missing' });
  });

  it('are signatures of that text and of no other', async () => {
    const { signed } = await getAuditHead(world.system);
    const { signature = '', text = '' } = signed ?? {};
    const { signer } = world.system;
    expect(await findSigningKey(signer, text, signature)).toBe(publicKeysOf(signer).fingerprint);
    expect(await findSigningKey(signer, `${text} `.replace(' 4 ', ' 5 '), signature)).toBeNull();
    expect(await findSigningKey(signer, text, signature.slice(0, 60))).toBeNull();
  });

  // Where there is no GnuPG, openpgp.js above is the only reader.
  it.skipIf(!hasGnupg)('are read by GnuPG with the public keys, also after the key was replaced', async () => {
    const home = mkdtempSync(join(tmpdir(), 'gpg-'));
    const gpg = (...args: string[]) =>
      spawnSync(
        'gpg',
        ['--homedir', home, '--batch', '--no-tty', '--no-auto-key-locate', '--ignore-time-conflict', ...args],
        {
          encoding: 'utf8',
        },
      );
    try {
      const earlier = world.system.signer;
      const signer = await newSigner(START, earlier.publicKeys);
      const { publicKeys, signed } = await getAuditHead({ ...world.system, signer });
      expect(signed?.signedBy).toBe(publicKeysOf(earlier).fingerprint);
      expect(publicKeys.fingerprint).not.toBe(signed?.signedBy);
      writeFileSync(join(home, 'key.asc'), publicKeys.armored);
      writeFileSync(join(home, 'head.asc'), signed?.signature ?? '');
      writeFileSync(join(home, 'head.txt'), signed?.text ?? '');
      writeFileSync(join(home, 'other.txt'), `${signed?.text}0`);
      expect(gpg('--import', join(home, 'key.asc')).stderr).toContain('imported: 2');
      const good = gpg('--status-fd', '1', '--verify', join(home, 'head.asc'), join(home, 'head.txt'));
      expect(good.stdout).toContain(`VALIDSIG ${signed?.signedBy}`);
      expect(good.status).toBe(0);
      expect(gpg('--verify', join(home, 'head.asc'), join(home, 'other.txt')).status).toBe(1);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });

  it('have an age in the backlog', async () => {
    const before = (await measureBacklog(world.system)).oldestSeconds['audit_signature'] ?? Number.NaN;
    world.clock.advance(60_000);
    const after = (await measureBacklog(world.system)).oldestSeconds['audit_signature'] ?? Number.NaN;
    expect(after - before).toBeCloseTo(60, 0);
  });

  it('stay ours when the key is replaced, twice, as long as the earlier keys are known', async () => {
    const [first] = world.system.signer.publicKeys;
    const second = await newSigner(START, [first]);
    const third = await newSigner(START, second.publicKeys);
    for (const signer of [second, third]) {
      await record('e');
      world.clock.advance(DAY_MS);
      const ctx = { ...world.system, signer };
      expect(await signHeads(ctx)).toBe(1);
      expect((await getAuditHead(ctx)).signed?.signedBy).toBe(publicKeysOf(signer).fingerprint);
    }
    const found = async (signer: Signer) => {
      const { findings, signatures: checked } = await verifyAudit(
        { ...world.system, signer },
        { after: 0n, limit: null },
      );
      expect(checked).toBe(6);
      return findings.map(({ kind, position }) => `${kind} ${position}`);
    };
    expect(await found(third)).toEqual([]);
    // Without a key, the days that it signed are named.
    const firstDays = ['signature 2', 'signature 3', 'signature 4', 'signature 4'];
    expect(await found({ ...third, publicKeys: [third.publicKeys[0], second.publicKeys[0]] })).toEqual(firstDays);
    expect(await found({ ...third, publicKeys: [third.publicKeys[0], first] })).toEqual(['signature 5']);
    expect(await found({ ...third, publicKeys: [third.publicKeys[0]] })).toEqual([...firstDays, 'signature 5']);
  });
});
