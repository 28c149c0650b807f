import { setImmediate } from 'node:timers/promises';
import type { Language } from '#domain/identity/rules.ts';
import {
  drawHeading,
  drawRule,
  drawStar,
  GOLD,
  INK,
  LINE,
  LINE_GAP,
  MARGIN,
  openPdf,
  QUIET,
  say,
  WIDTH,
} from '#lib/pdf.ts';
import { providerName, translator } from '#messages/translate.ts';
import type { ReceiptView } from './views.ts';

/*
 * A receipt on one page of A4. It names no person: what it says of a payment is what the payment's own page says.
 */

/** Of the parts of the bar: the developer's, ours, the payment service's. */
const SHADES = { developer: '#2f4a6d', platform: '#7f9bbd', processor: '#c9d3df' } as const;

const LABELS = 168;
const ROW = 21;
/** More rows than these would not fit; what went back in all stands below them. */
const MAX_RETURNS = 6;

type Page = Readonly<{ pdf: PDFKit.PDFDocument; t: ReturnType<typeof translator>; language: Language }>;

/** The receipt of a payment as a PDF, the same bytes each time. `view` is in `language`. */
export async function renderReceiptPdf(view: ReceiptView, language: Language): Promise<Uint8Array> {
  const t = translator(language);
  const { close, pdf } = await openPdf({
    title: `${t('receipt.title')} ${view.id}`,
    language,
    at: new Date(view.paidAt.iso),
  });
  // Before each half of the work, whatever else waits in this process has its turn.
  await setImmediate();
  draw({ pdf, t, language }, view);
  await setImmediate();
  return close();
}

function draw(page: Page, view: ReceiptView): void {
  const afterHead = drawHead(page, view);
  const afterFacts = drawFacts(page, view, afterHead + 26);
  const afterSplit = drawSplit(page, view, afterFacts + 24);
  drawReturns(page, view, afterSplit + 24);
  drawFoot(page);
}

function drawHead({ pdf, t }: Page, view: ReceiptView): number {
  drawStar(pdf, MARGIN + 9, 65, 10);
  say(pdf, 'Hoshi 星', MARGIN + 27, 57, { font: 'bold', size: 15 });
  say(pdf, t('receipt.title'), MARGIN, 57, { font: 'bold', size: 15, align: 'right' });
  drawRule(pdf, 92, INK, 1);
  say(pdf, t('receipt.amount'), MARGIN, 122, { colour: QUIET, size: 10 });
  const [number = '', star] = view.money.text.split('★');
  pdf.font('bold').fontSize(32).fillColor(INK);
  pdf.text(number, MARGIN, 139, { continued: star !== undefined, lineBreak: false });
  // The accent is for Stars alone.
  if (star !== undefined) pdf.fillColor(GOLD).text('★', { lineBreak: false });
  say(pdf, t('receipt.date'), MARGIN, 122, { colour: QUIET, size: 10, align: 'right' });
  say(pdf, view.paidAt.text, MARGIN, 139, { size: 13, align: 'right' });
  return 192;
}

function drawFacts(page: Page, view: ReceiptView, top: number): number {
  const { pdf, t } = page;
  const { period, planName, productName } = view;
  const item = productName === planName ? planName : `${productName} · ${planName}`;
  const facts: Array<readonly [label: string, value: string]> = [
    [t('receipt.item'), item ?? t('receipt.inRecord')],
    ...(period
      ? [[t('receipt.period'), t('receipt.fromUntil', { from: period.from.text, until: period.until.text })] as const]
      : []),
    [t('receipt.paidWith'), wayText(page, view)],
    [t('receipt.number'), view.id],
    [t('receipt.order'), view.invoiceId],
    [t('receipt.charge'), view.chargeId],
  ];
  let y = top;
  for (const [label, value] of facts) {
    say(pdf, label, MARGIN, y, { colour: QUIET, size: 10 });
    // A long name takes a second line, no third.
    const box = { width: WIDTH - LABELS, lineGap: LINE_GAP };
    const height = Math.min(pdf.font('regular').fontSize(10.5).heightOfString(value, box), 2 * ROW - 8);
    say(pdf, value, MARGIN + LABELS, y - 0.5, { size: 10.5, height });
    y += Math.max(ROW, height + 8);
  }
  return y;
}

/** "Card (Payme)"; Stars have no other provider. */
function wayText({ language, t }: Page, { method, provider }: ReceiptView): string {
  const way = t(`app.method.${method}`);
  return method === 'telegram_stars'
    ? way
    : t('common.way', { method: way, provider: providerName(provider, language) });
}

function drawSplit({ pdf, t }: Page, { split }: ReceiptView, top: number): number {
  let y = drawHeading(pdf, t('receipt.split'), top);
  let x = MARGIN;
  pdf.save().roundedRect(MARGIN, y, WIDTH, 9, 4.5).clip();
  for (const { bps, party } of split) {
    const width = (WIDTH * bps) / 10_000;
    pdf.rect(x, y, width, 9).fill(SHADES[party]);
    x += width;
  }
  pdf.restore();
  y += 23;
  for (const { money, party } of split) {
    pdf.roundedRect(MARGIN, y + 1, 8, 8, 2).fill(SHADES[party]);
    say(pdf, t(`receipt.party.${party}`), MARGIN + 18, y, { size: 10.5 });
    say(pdf, money.text, MARGIN, y, { size: 10.5, align: 'right' });
    y += ROW;
  }
  return y;
}

function drawReturns({ pdf, t }: Page, view: ReceiptView, top: number): void {
  const { disputes, refunds, returned } = view;
  const lines = [
    ...refunds.map(({ at, money, status }) => ({ text: t(`receipt.refund.${status}`), at, money })),
    ...disputes.map(({ closedAt, money, openedAt, status }) => ({
      text: t(`receipt.dispute.${status}`),
      at: closedAt ?? openedAt,
      money,
    })),
  ].sort((a, b) => (a.at.iso < b.at.iso ? 1 : -1));
  if (lines.length === 0) return;
  let y = drawHeading(pdf, t('receipt.returns'), top);
  for (const { at, money, text } of lines.slice(0, MAX_RETURNS)) {
    say(pdf, at.text, MARGIN, y, { colour: QUIET, size: 10 });
    say(pdf, text, MARGIN + LABELS, y - 0.5, { size: 10.5 });
    say(pdf, money.text, MARGIN, y - 0.5, { size: 10.5, align: 'right' });
    y += ROW;
  }
  const hidden = lines.length - MAX_RETURNS;
  if (hidden > 0) {
    say(pdf, t('receipt.more', { count: hidden }), MARGIN + LABELS, y, { colour: QUIET, size: 10 });
    y += ROW;
  }
  if (!returned) return;
  drawRule(pdf, y - 4, LINE, 0.5);
  say(pdf, t('receipt.returned'), MARGIN, y + 5, { font: 'bold', size: 10.5 });
  say(pdf, returned.text, MARGIN, y + 5, { font: 'bold', size: 10.5, align: 'right' });
}

function drawFoot({ pdf, t }: Page): void {
  drawRule(pdf, 752, LINE, 0.5);
  say(pdf, t('receipt.support'), MARGIN, 764, { colour: QUIET, size: 8.5, height: 24 });
  say(pdf, t('receipt.privacy'), MARGIN, 790, { colour: QUIET, size: 8.5, height: 24 });
}
