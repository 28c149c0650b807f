import { describe, expect, it } from 'vitest';
import { MAX_ATTEMPTS, retryDelaySeconds } from './rules.ts';

describe('retryDelaySeconds', () => {
  it('doubles from two seconds up to an hour', () => {
    expect([0, 1, 2, 3, 10, 11, 12, 13, 60].map(retryDelaySeconds)).toEqual([
      2, 2, 4, 8, 1_024, 2_048, 3_600, 3_600, 3_600,
    ]);
  });

  it('goes on for about two days before a job is dead', () => {
    const total = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => retryDelaySeconds(index + 1)).reduce(
      (sum, wait) => sum + wait,
      0,
    );
    expect(total / 86_400).toBeGreaterThan(1.8);
    expect(total / 86_400).toBeLessThan(2.5);
  });
});
