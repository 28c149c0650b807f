import type { Language } from '#domain/identity/rules.ts';
import { drawRule, drawStar, INK, LINE, MARGIN, openPdf, QUIET, RIGHT, say } from '#lib/pdf.ts';
import { formatDateTime, formatMoney, translator } from '#messages/translate.ts';
import type { Total } from './totals.ts';

/*
 * The sums of a person's books on one page of A4, in their language.
 */

const ROW = 21;
/** More would not fit; every payment stands in the lists beside it. */
const MAX_ROWS = 26;
/** Where each column ends; the first begins at the margin. */
const COLUMNS = { year: MARGIN + 60, count: MARGIN + 130, paid: MARGIN + 255, returned: MARGIN + 370, kept: RIGHT };
type Column = keyof typeof COLUMNS;

/** What a person paid, by year and currency, as a PDF. */
export async function renderSummaryPdf(
  books: { userId: string; asOf: Date; totals: ReadonlyArray<Total> },
  language: Language,
): Promise<Uint8Array> {
  const t = translator(language);
  const { asOf, totals, userId } = books;
  const { close, pdf } = await openPdf({ title: t('export.summary.title'), language, at: asOf });
  drawStar(pdf, MARGIN + 9, 65, 10);
  say(pdf, 'Hoshi 星', MARGIN + 27, 57, { font: 'bold', size: 15 });
  say(pdf, t('export.summary.title'), MARGIN, 57, { font: 'bold', size: 15, align: 'right' });
  drawRule(pdf, 92, INK, 1);
  say(pdf, `${t('export.summary.account')} ${userId}`, MARGIN, 108, { colour: QUIET, size: 10 });
  const at = t('export.summary.asOf', { date: formatDateTime(asOf, language) });
  say(pdf, at, MARGIN, 108, { colour: QUIET, size: 10, align: 'right' });
  const end = totals.length === 0 ? 150 : drawTable(pdf, totals, language);
  if (totals.length === 0) say(pdf, t('export.summary.none'), MARGIN, 150, { size: 10.5 });
  const hidden = totals.length - MAX_ROWS;
  if (hidden > 0) say(pdf, t('export.summary.more', { count: hidden }), MARGIN, end + 8, { colour: QUIET, size: 10 });
  drawRule(pdf, 764, LINE, 0.5);
  say(pdf, t('export.summary.foot'), MARGIN, 776, { colour: QUIET, size: 8.5, height: 36 });
  return close();
}

function drawTable(pdf: PDFKit.PDFDocument, totals: ReadonlyArray<Total>, language: Language): number {
  const t = translator(language);
  const cell = (column: Column, text: string, y: number, look: { colour?: string; font?: 'bold' } = {}) => {
    const from = column === 'year' ? MARGIN : COLUMNS[column] - 110;
    const align = column === 'year' ? 'left' : 'right';
    say(pdf, text, from, y, { size: 10.5, align, width: COLUMNS[column] - from, ...look });
  };
  let y = 144;
  for (const column of Object.keys(COLUMNS) as Column[])
    cell(column, t(`export.summary.${column}`), y, { colour: QUIET });
  y += ROW;
  drawRule(pdf, y - 5, LINE, 0.5);
  for (const { count, currency, paid, returned, year } of totals.slice(0, MAX_ROWS)) {
    cell('year', String(year), y);
    cell('count', String(count), y);
    cell('paid', formatMoney({ amount: paid, currency }, language), y);
    cell('returned', formatMoney({ amount: returned, currency }, language), y);
    cell('kept', formatMoney({ amount: paid - returned, currency }, language), y, { font: 'bold' });
    y += ROW;
  }
  return y;
}
