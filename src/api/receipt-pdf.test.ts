import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { LANGUAGES } from '#domain/identity/rules.ts';
import { renderReceiptPdf } from './receipt-pdf.ts';
import { receipt } from './testing/receipt.ts';
import type { ReceiptView } from './views.ts';

const refundOn = (day: number): ReceiptView['refunds'][number] => ({
  id: `ref_${day}`,
  status: 'succeeded',
  reason: 'requested',
  money: { amount: '1', currency: 'XTR', text: '1 ★', label: '1 Star' },
  reference: null,
  claimUrl: null,
  at: { iso: `2026-11-${day}T00:00:00.000Z`, text: `${day} November` },
});

const asText = (pdf: Uint8Array) => Buffer.from(pdf).toString('latin1');

/** The page's own drawing, without the fonts. */
function drawing(pdf: Uint8Array): string {
  const streams = [...asText(pdf).matchAll(/stream\n([\s\S]*?)\nendstream/g)];
  const texts = streams.map(([, bytes = '']) => inflateSync(Buffer.from(bytes, 'latin1')).toString('latin1'));
  return texts.find((text) => text.includes(' Tf')) ?? '';
}

describe.each(LANGUAGES)('a receipt in %s', (language) => {
  it('is one page with its own fonts, the same bytes each time', async () => {
    const pdf = await renderReceiptPdf(receipt(language), language);
    const text = asText(pdf);
    expect(text.startsWith('%PDF-')).toBe(true);
    expect(text).toContain('/Count 1\n');
    expect(text).toContain('(D:20261120000000Z)');
    expect(text.match(/FontFile2/g)).toHaveLength(2);
    // What a reader selects and copies.
    expect(text).toContain('/ToUnicode');
    // Fonts are kept, and other receipts were drawn with them meanwhile.
    await renderReceiptPdf(receipt('ja', { planName: '星'.repeat(9) }), 'ja');
    expect(await renderReceiptPdf(receipt(language), language)).toEqual(pdf);
  });

  it('says where the item stands once nobody on the server knows it', async () => {
    const past = drawing(await renderReceiptPdf(receipt(language, { planName: null, productName: null }), language));
    const known = drawing(await renderReceiptPdf(receipt(language), language));
    expect(past.match(/BT/g)?.length).toBe(known.match(/BT/g)?.length);
    expect(past.length).toBeGreaterThan(known.length);
  });

  it('stays one page with long names and many returns, of which it shows six and a sum', async () => {
    const long = 'とても長い名前 a very long name '.repeat(20);
    const refunds = Array.from({ length: 20 }, (_, index) => refundOn(index + 10));
    const returned = refunds[0]?.money ?? null;
    const view = receipt(language, { productName: long, planName: 'x'.repeat(200), refunds, returned });
    const pdf = await renderReceiptPdf(view, language);
    expect(asText(pdf)).toContain('/Count 1\n');
    const without = drawing(await renderReceiptPdf(receipt(language), language)).match(/BT/g)?.length ?? 0;
    const more = drawing(pdf).match(/BT/g)?.length ?? 0;
    expect(more - without).toBeGreaterThanOrEqual(6 * 3 + 4);
    expect(more - without).toBeLessThan(6 * 3 + 12);
  });
});

describe('a receipt', () => {
  it('shows Stars in gold, and nothing else', async () => {
    const gold = (pdf: Uint8Array) => drawing(pdf).match(/0\.78431\d+ 0\.57254\d+ 0\.16470\d+ scn/g)?.length;
    const stars = { amount: '150', currency: 'XTR', text: '150 ★', label: '150 Stars' } as const;
    expect(gold(await renderReceiptPdf(receipt('en'), 'en'))).toBe(1);
    expect(gold(await renderReceiptPdf(receipt('en', { money: stars, method: 'telegram_stars' }), 'en'))).toBe(2);
  });

  it('takes a provider that has no name yet', async () => {
    await expect(renderReceiptPdf(receipt('en', { provider: 'new-bank' }), 'en')).resolves.toBeInstanceOf(Uint8Array);
  });
});
