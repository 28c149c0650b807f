import { describe, expect, it } from 'vitest';
import { openBytes, sealBytes } from './crypto.ts';
import { makeVault } from './vault.ts';

const OLD = new Uint8Array(32).fill(1);
const NEW = new Uint8Array(32).fill(2);
const SUBJECT = new Uint8Array(32).fill(3);
const before = makeVault({ dataKey: OLD, previousDataKey: null, subjectKey: SUBJECT });
const after = makeVault({ dataKey: NEW, previousDataKey: OLD, subjectKey: SUBJECT });
const plain = Buffer.from('what only we may read');

describe('the vault', () => {
  it('opens what it sealed, and never seals twice alike', () => {
    expect(before.open(before.seal(plain))).toEqual(plain);
    expect(before.seal(plain)).not.toEqual(before.seal(plain));
  });

  it('opens what lies under the previous key, and says that it does', () => {
    const sealed = before.seal(plain);
    expect(after.open(sealed)).toEqual(plain);
    expect(after.isCurrent(sealed)).toBe(false);
    expect(after.isCurrent(after.seal(after.open(sealed)))).toBe(true);
  });

  it('opens what was sealed before keys had names, with the oldest key it has', () => {
    expect(before.open(sealBytes(OLD, plain))).toEqual(plain);
    expect(after.open(sealBytes(OLD, plain))).toEqual(plain);
    expect(after.isCurrent(sealBytes(NEW, plain))).toBe(false);
  });

  it('refuses another key and each changed byte', () => {
    const sealed = before.seal(plain);
    const stranger = makeVault({ dataKey: NEW, previousDataKey: null, subjectKey: SUBJECT });
    expect(() => stranger.open(sealed)).toThrow();
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = sealed.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => before.open(changed), `byte ${at}`).toThrow();
    }
  });

  it('makes keys of their own for people', () => {
    const { key, wrapped } = before.makeKey();
    expect(before.open(wrapped)).toEqual(key);
    expect(openBytes(key, sealBytes(key, plain))).toEqual(plain);
    expect(before.makeKey().key).not.toEqual(key);
  });

  it('names people alike whatever the data key, and differently under another subject key', () => {
    const id = 7_000_000_101n;
    expect(after.subjectOf(id)).toEqual(before.subjectOf(id));
    expect(before.subjectOf(id)).not.toEqual(before.subjectOf(id + 1n));
    const other = makeVault({ dataKey: OLD, previousDataKey: null, subjectKey: NEW });
    expect(other.subjectOf(id)).not.toEqual(before.subjectOf(id));
    expect(after.markOf('card x')).toEqual(before.markOf('card x'));
    expect(before.markOf('card x')).not.toEqual(before.markOf('card y'));
    expect(before.markOf(`v1:${id}`)).not.toEqual(other.markOf(`v1:${id}`));
  });

  it('conceals a text so that it is found again, and reads it, whatever the data key', () => {
    for (const text of ['', 'pi_3Nx', 'charge 日本', 'x'.repeat(5_000)]) {
      expect(before.conceal(text)).toBe(after.conceal(text));
      expect(before.conceal(text)).toMatch(/^~[A-Za-z0-9_-]{22,}$/);
      expect(after.reveal(before.conceal(text))).toBe(text);
      // What looks concealed already is a text like any other.
      expect(before.reveal(before.conceal(before.conceal(text)))).toBe(before.conceal(text));
    }
    expect(before.conceal('a')).not.toBe(before.conceal('b'));
    expect(before.reveal('from before')).toBe('from before');
  });

  it('reveals nothing that was changed or concealed under another key', () => {
    const concealed = before.conceal('pi_3NxYz');
    const other = makeVault({ dataKey: OLD, previousDataKey: null, subjectKey: NEW });
    expect(() => other.reveal(concealed)).toThrow('not an encrypted text');
    const bytes = Buffer.from(concealed.slice(1), 'base64url');
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => before.reveal(`~${changed.toString('base64url')}`), `byte ${at}`).toThrow('not an encrypted text');
    }
    for (const text of ['~', '~abc', `~${bytes.subarray(0, 16).toString('base64url')}`])
      expect(() => before.reveal(text)).toThrow('not an encrypted text');
  });
});
