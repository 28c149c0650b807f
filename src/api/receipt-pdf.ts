import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { create } from 'fontkit';
import PDFDocument from 'pdfkit';
import type { Language } from '#domain/identity/rules.ts';
import { providerName, translator } from '#messages/translate.ts';
import type { ReceiptView } from './views.ts';

/*
 * A receipt on one page of A4. It names no person: what it says of a payment is what the payment's own page says.
 */

const INK = '#1c1c1e';
const QUIET = '#6b6b70';
const LINE = '#d9d9de';
const GOLD = '#c8922a';
/** Of the parts of the bar: the developer's, ours, the payment service's. */
const SHADES = { developer: '#2f4a6d', platform: '#7f9bbd', processor: '#c9d3df' } as const;

const MARGIN = 56;
const RIGHT = 595.28 - MARGIN;
const WIDTH = RIGHT - MARGIN;
const LABELS = 168;
const ROW = 21;
const LINE_GAP = 2;
/** More rows than these would not fit; what went back in all stands below them. */
const MAX_RETURNS = 6;

type Page = Readonly<{ pdf: PDFKit.PDFDocument; t: ReturnType<typeof translator>; language: Language }>;

/** Nine megabytes, read and parsed for the first receipt and kept: parsing them again is a third of a receipt's work. */
let fonts: ReturnType<typeof readFonts> | undefined;

type Font = ReturnType<typeof create>;

async function readFonts(): Promise<{ regular: Font; bold: Font }> {
  // By where we were started: a bundler would take any nearer address for a module of its own.
  const { resolve } = createRequire(join(process.cwd(), 'package.json'));
  const read = async (name: string) => create(await readFile(resolve(`@expo-google-fonts/biz-udpgothic/${name}.ttf`)));
  const [regular, bold] = await Promise.all([
    read('400Regular/BIZUDPGothic_400Regular'),
    read('700Bold/BIZUDPGothic_700Bold'),
  ]);
  return { regular, bold };
}

/** The receipt of a payment as a PDF, the same bytes each time. `view` is in `language`. */
export async function renderReceiptPdf(view: ReceiptView, language: Language): Promise<Uint8Array> {
  const t = translator(language);
  fonts ??= readFonts();
  const { bold, regular } = await fonts;
  const paidAt = new Date(view.paidAt.iso);
  const pdf = new PDFDocument({
    size: 'A4',
    margin: 0,
    // None of pdfkit's own.
    font: '',
    lang: language,
    displayTitle: true,
    info: { Title: `${t('receipt.title')} ${view.id}`, Creator: 'Hoshi', Producer: 'Hoshi', CreationDate: paidAt },
  });
  pdf.registerFont('regular', regular);
  pdf.registerFont('bold', bold);
  const chunks: Uint8Array[] = [];
  const written = new Promise<void>((done, fail) => {
    pdf.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    pdf.on('end', done);
    pdf.on('error', fail);
  });
  // Before each half of the work, whatever else waits in this process has its turn.
  await setImmediate();
  draw({ pdf, t, language }, view);
  await setImmediate();
  pdf.end();
  await written;
  return new Uint8Array(Buffer.concat(chunks));
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
  rule(pdf, 92, INK, 1);
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

/** The five-pointed star of the name. */
function drawStar(pdf: PDFKit.PDFDocument, x: number, y: number, radius: number): void {
  const points = Array.from({ length: 10 }, (_, index): [number, number] => {
    const angle = (Math.PI / 5) * index - Math.PI / 2;
    const reach = index % 2 === 0 ? radius : radius * 0.42;
    return [x + reach * Math.cos(angle), y + reach * Math.sin(angle)];
  });
  pdf.polygon(...points).fill(GOLD);
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
  let y = heading(pdf, t('receipt.split'), top);
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
  let y = heading(pdf, t('receipt.returns'), top);
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
  rule(pdf, y - 4, LINE, 0.5);
  say(pdf, t('receipt.returned'), MARGIN, y + 5, { font: 'bold', size: 10.5 });
  say(pdf, returned.text, MARGIN, y + 5, { font: 'bold', size: 10.5, align: 'right' });
}

function drawFoot({ pdf, t }: Page): void {
  rule(pdf, 752, LINE, 0.5);
  say(pdf, t('receipt.support'), MARGIN, 764, { colour: QUIET, size: 8.5, height: 24 });
  say(pdf, t('receipt.privacy'), MARGIN, 790, { colour: QUIET, size: 8.5, height: 24 });
}

function heading(pdf: PDFKit.PDFDocument, text: string, y: number): number {
  rule(pdf, y - 12, LINE, 0.5);
  say(pdf, text, MARGIN, y + 4, { font: 'bold', size: 11 });
  return y + 30;
}

function rule(pdf: PDFKit.PDFDocument, y: number, colour: string, width: number): void {
  pdf.moveTo(MARGIN, y).lineTo(RIGHT, y).lineWidth(width).stroke(colour);
}

type Look = Readonly<{
  font?: 'regular' | 'bold';
  size: number;
  colour?: string;
  align?: 'left' | 'right';
  height?: number;
}>;

/** Text from `x` to the right margin; what does not fit ends in an ellipsis. */
function say(pdf: PDFKit.PDFDocument, text: string, x: number, y: number, look: Look): void {
  const { align = 'left', colour = INK, font = 'regular', height, size } = look;
  pdf
    .font(font)
    .fontSize(size)
    .fillColor(colour)
    .text(text, x, y, { width: RIGHT - x, align, lineGap: LINE_GAP, height: height ?? size * 1.6, ellipsis: true });
}
