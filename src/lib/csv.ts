/** A cell: text, or a number in its decimal digits. */
export type CsvCell = string | null | Readonly<{ number: string }>;

/** By which spreadsheets know that the text is UTF-8; Excel in Japan reads Shift_JIS without it. */
export const CSV_BOM = '\uFEFF';

/** A cell that begins so may be taken for a formula (OWASP, CSV injection); Excel reads the full-width signs as well. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;
/** Never with a sign: a number that began with one would be a formula to some, and text with an apostrophe to others. */
const NUMBER = /^\d+(\.\d+)?$/;

/** A line with its end (RFC 4180). Throws a RangeError for a number with a sign: those have a column of their own. */
export function csvLine(cells: ReadonlyArray<CsvCell>): string {
  return `${cells.map(writeCell).join(',')}\r\n`;
}

function writeCell(cell: CsvCell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') {
    if (!NUMBER.test(cell.number)) throw new RangeError('a number of a CSV file has digits only');
    return cell.number;
  }
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
