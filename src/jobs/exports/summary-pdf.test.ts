import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LANGUAGES } from '#domain/identity/rules.ts';
import { renderSummaryPdf } from './summary-pdf.ts';
import { makeTotals, type Total } from './totals.ts';

const AS_OF = new Date('2026-11-20T10:00:00.000Z');
const total = (index: number): Total => ({ year: 2026 - index, currency: 'JPY', count: 1, paid: 100n, returned: 1n });
const asText = (pdf: Uint8Array) => Buffer.from(pdf).toString('latin1');

/** How many texts are drawn on the page. */
function textsOf(pdf: Uint8Array): number {
  const streams = [...asText(pdf).matchAll(/stream\n([\s\S]*?)\nendstream/g)];
  const drawings = streams.map(([, bytes = '']) => inflateSync(Buffer.from(bytes, 'latin1')).toString('latin1'));
  return drawings.find((drawing) => drawing.includes(' Tf'))?.match(/BT/g)?.length ?? 0;
}

describe.each(LANGUAGES)('the page of sums in %s', (language) => {
  const render = (totals: Total[]) => renderSummaryPdf({ userId: 'usr_1', asOf: AS_OF, totals }, language);

  it('has a line of five values for each year and currency', async () => {
    const none = textsOf(await render([]));
    const one = await render([total(0)]);
    expect(asText(one)).toContain('/Count 1\n');
    // The heads of the columns come with the first line, and the word that there is nothing goes.
    expect(textsOf(one) - none).toBe(5 + 5 - 1);
    expect(textsOf(await render([total(0), total(1)])) - textsOf(one)).toBe(5);
    expect(await render([total(0)])).toEqual(one);
  });

  it('stays one page, and says how many lines do not fit', async () => {
    const pdf = await render(Array.from({ length: 200 }, (_, index) => total(index)));
    expect(asText(pdf)).toContain('/Count 1\n');
    const fitting = await render(Array.from({ length: 26 }, (_, index) => total(index)));
    expect(textsOf(pdf) - textsOf(fitting)).toBeGreaterThanOrEqual(1);
    expect(textsOf(pdf) - textsOf(fitting)).toBeLessThan(5);
  });
});

describe('sums', () => {
  it('are of a year in UTC and of one currency, exactly', () => {
    const totals = makeTotals();
    const paid = (at: string, currency: string, amount: bigint, returned_amount = 0n) =>
      totals.add({ paid_at: new Date(at), currency, amount, returned_amount });
    paid('2025-12-31T23:59:59.999Z', 'USD', 999n);
    paid('2026-01-01T00:00:00.000Z', 'USD', 9_007_199_254_740_993n, 1n);
    paid('2026-06-01T00:00:00.000Z', 'USD', 2n, 2n);
    paid('2026-06-01T00:00:00.000Z', 'JPY', 1n);
    expect(totals.list()).toEqual([
      { year: 2026, currency: 'JPY', count: 1, paid: 1n, returned: 0n },
      { year: 2026, currency: 'USD', count: 2, paid: 9_007_199_254_740_995n, returned: 3n },
      { year: 2025, currency: 'USD', count: 1, paid: 999n, returned: 0n },
    ]);
  });
});
