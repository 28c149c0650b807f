import { describe, expect, it } from 'vitest';
import { capturedKey } from '#lib/testing/keys.ts';
import { endOf, groupedFingerprint, judgePassphrase, uploadFault } from './words.ts';

describe('a fingerprint', () => {
  it('stands in groups of four', () => {
    expect(groupedFingerprint('9F6165313267A6C4FDA1ABCB8EF170FFE35127A1')).toBe(
      '9F61 6531 3267 A6C4 FDA1 ABCB 8EF1 70FF E351 27A1',
    );
    expect(endOf('9F6165313267A6C4FDA1ABCB8EF170FFE35127A1')).toBe('27A1');
  });
});

describe('a passphrase', () => {
  it.each([
    ['', 'empty', 12],
    ['short one', 'short', 3],
    // Twelve characters as people count them.
    ['星に願いを込めて', 'short', 4],
    ['👩‍🚀👩‍🚀', 'short', 6],
    ['aaaaaaaaaaaaaaaa', 'simple', 0],
    ['abcabcabcabcabc', 'simple', 0],
    ['q8V!zL2#mT9x', 'fair', 0],
    ['correct horse battery staple', 'strong', 0],
    ['sun map oak rye', 'strong', 0],
    ['夜空に光る星のひとつを選んで名前をつけよう', 'strong', 0],
  ])('%s is %s', (passphrase, level, missing) => expect(judgePassphrase(passphrase)).toEqual({ level, missing }));
});

describe('what must not be sent', () => {
  it.each([
    ['a private key', capturedKey('curve-private'), 'private'],
    ['a private key behind a public one', capturedKey('curve') + capturedKey('curve-private'), 'private'],
    ['more than the server looks at', '鍵'.repeat(21_846), 'tooLarge'],
    ['a public key', capturedKey('curve'), null],
    ['as much as the server looks at', 'x'.repeat(65_536), null],
  ])('%s', (_, text, fault) => expect(uploadFault(text)).toBe(fault));
});
