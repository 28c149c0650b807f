import { randomBytes } from 'node:crypto';
import { unzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { makeZip } from './zip.ts';

const AT = new Date('2026-11-20T10:00:00.000Z');
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

describe('an archive', () => {
  it('holds files that were open at once, each whole, none behind one that is still open', () => {
    const zip = makeZip(AT);
    const [first, second] = [zip.open('a.json'), zip.open('b/ü.csv')];
    for (let line = 0; line < 1_000; line += 1) {
      second.write(Buffer.from(`b${line}\n`));
      first.write(Buffer.from(`a${line}\n`));
    }
    second.end();
    first.end();
    const files = unzipSync(zip.finish());
    expect(Object.keys(files)).toEqual(['b/ü.csv', 'a.json']);
    expect(text(files['a.json']).split('\n')).toHaveLength(1_001);
    expect(text(files['b/ü.csv']).slice(0, 6)).toBe('b0\nb1\n');
  });

  it('knows its size while it is written, to the byte once its files have ended', () => {
    const zip = makeZip(AT);
    const first = zip.open('first');
    const second = zip.open('second');
    const noise = randomBytes(1_000_000);
    second.write(noise);
    expect(Math.abs(zip.size() - noise.length)).toBeLessThan(100_000);
    first.end();
    second.end();
    const size = zip.size();
    // The end of the directory (APPNOTE.TXT § 4.3.16).
    expect(zip.finish()).toHaveLength(size + 22);
  });

  it('may hold an empty file', () => {
    const zip = makeZip(AT);
    zip.open('empty').end();
    expect(unzipSync(zip.finish())['empty']).toHaveLength(0);
  });
});
