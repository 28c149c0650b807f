import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessEnd, PlanLimits, yearlySavings } from './rules.ts';

const DAY_MS = 86_400_000;
const dates = fc.date({ min: new Date('2020-01-01'), max: new Date('2120-12-31'), noInvalidDate: true });

describe('accessEnd', () => {
  it.each([
    ['2026-11-20T10:00:00Z', '2027-11-20T10:00:00.000Z'],
    ['2028-02-29T23:59:59Z', '2029-02-28T23:59:59.000Z'],
    ['2027-02-28T00:00:00Z', '2028-02-28T00:00:00.000Z'],
    ['2027-03-01T00:00:00Z', '2028-03-01T00:00:00.000Z'],
    ['2026-12-31T12:00:00Z', '2027-12-31T12:00:00.000Z'],
    ['2026-01-31T00:00:00Z', '2027-01-31T00:00:00.000Z'],
  ])('a year from %s ends at %s', (from, to) => {
    expect(accessEnd(new Date(from), 'year')?.toISOString()).toBe(to);
  });

  it('a month is always thirty days, also over a leap day and a change of year', () => {
    for (const from of ['2028-02-01', '2027-02-01', '2026-12-15', '2026-01-31']) {
      const start = new Date(from);
      expect(accessEnd(start, 'month')).toEqual(new Date(start.getTime() + 30 * DAY_MS));
    }
  });

  it('once lasts for good', () => {
    expect(accessEnd(new Date('2026-11-20'), 'once')).toBeNull();
  });

  it('a year has 365 or 366 days and keeps month and time, wherever it begins', () => {
    fc.assert(
      fc.property(dates, (start) => {
        const end = accessEnd(start, 'year');
        const days = ((end?.getTime() ?? 0) - start.getTime()) / DAY_MS;
        expect([365, 366]).toContain(days);
        expect(end?.getUTCMonth()).toBe(start.getUTCMonth());
      }),
    );
  });
});

describe('yearlySavings', () => {
  it.each([
    [50n, 500n, { amount: 100n, percent: 16 }],
    [100n, 600n, { amount: 600n, percent: 50 }],
    [50n, 600n, null],
    [50n, 700n, null],
    [0n, 0n, null],
  ])('%s a month, %s a year', (monthly, yearly, saved) => {
    expect(yearlySavings(monthly, yearly)).toEqual(saved);
  });
});

describe('PlanLimits', () => {
  it.each([[{ topics: -1 }], [{ topics: 1.5 }], [{ topics: '3' }]])('refuses %j', (limits) => {
    expect(PlanLimits.safeParse(limits).success).toBe(false);
  });
});
