import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepStarted, readStarted, type Started } from '#ui/pay/started.ts';

const STARTED: Started = {
  method: 'telegram_stars',
  provider: 'telegram-stars',
  url: 'https://t.me/$slug',
  failedBefore: null,
};

describe('what a tab remembers of a payment', () => {
  let kept: Map<string, string>;

  beforeEach(() => {
    kept = new Map();
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    });
  });
  afterEach(() => vi.unstubAllGlobals());

  it('belongs to one order, and can be forgotten', () => {
    keepStarted('inv_1', STARTED);
    expect(readStarted('inv_1')).toEqual(STARTED);
    expect(readStarted('inv_2')).toBeNull();
    keepStarted('inv_1', null);
    expect(readStarted('inv_1')).toBeNull();
    expect(kept.size).toBe(0);
  });

  it.each(['', '{', 'null', '"payme"', '{"provider":1}'])('is nothing when %j is kept', (text) => {
    kept.set('hoshi.pay.inv_1', text);
    expect(readStarted('inv_1')).toBeNull();
  });

  it('is nothing where the browser keeps nothing', () => {
    vi.stubGlobal('sessionStorage', undefined);
    expect(() => keepStarted('inv_1', STARTED)).not.toThrow();
    expect(readStarted('inv_1')).toBeNull();
  });
});
