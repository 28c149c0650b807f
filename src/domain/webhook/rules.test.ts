import { describe, expect, it } from 'vitest';
import { MAX_ATTEMPTS, nextAttempt } from './rules.ts';

const now = new Date('2026-11-20T10:00:00Z');

describe('nextAttempt', () => {
  it('waits 5 s, then doubles up to an hour, and gives up after twelve tries', () => {
    const seconds = Array.from({ length: MAX_ATTEMPTS }, (_, index) => {
      const next = nextAttempt(index + 1, now);
      return next && (next.getTime() - now.getTime()) / 1000;
    });
    expect(seconds).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, null]);
  });
});
