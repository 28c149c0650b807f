import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { create } from 'fontkit';
import PDFDocument from 'pdfkit';

/*
 * Pages of A4 with our own fonts, in which Japanese can be read. Lengths are in points.
 */

export const INK = '#1c1c1e';
export const QUIET = '#6b6b70';
export const LINE = '#d9d9de';
export const GOLD = '#c8922a';
export const MARGIN = 56;
export const RIGHT = 595.28 - MARGIN;
export const WIDTH = RIGHT - MARGIN;
export const LINE_GAP = 2;

/** Nine megabytes, read and parsed for the first page and kept: parsing them again is a third of the work of a page. */
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

/** A page to draw on; `close` ends it and gives its bytes, the same ones for the same drawing and `at`. */
export async function openPdf(options: {
  title: string;
  language: string;
  at: Date;
}): Promise<{ pdf: PDFKit.PDFDocument; close: () => Promise<Uint8Array> }> {
  const { at, language, title } = options;
  fonts ??= readFonts();
  const { bold, regular } = await fonts;
  const pdf = new PDFDocument({
    size: 'A4',
    margin: 0,
    // None of pdfkit's own.
    font: '',
    lang: language,
    displayTitle: true,
    info: { Title: title, Creator: 'Hoshi', Producer: 'Hoshi', CreationDate: at },
  });
  pdf.registerFont('regular', regular);
  pdf.registerFont('bold', bold);
  const chunks: Uint8Array[] = [];
  const written = new Promise<void>((done, fail) => {
    pdf.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    pdf.on('end', done);
    pdf.on('error', fail);
  });
  const close = async () => {
    pdf.end();
    await written;
    return new Uint8Array(Buffer.concat(chunks));
  };
  return { pdf, close };
}

/** The five-pointed star of the name. */
export function drawStar(pdf: PDFKit.PDFDocument, x: number, y: number, radius: number): void {
  const points = Array.from({ length: 10 }, (_, index): [number, number] => {
    const angle = (Math.PI / 5) * index - Math.PI / 2;
    const reach = index % 2 === 0 ? radius : radius * 0.42;
    return [x + reach * Math.cos(angle), y + reach * Math.sin(angle)];
  });
  pdf.polygon(...points).fill(GOLD);
}

export function drawHeading(pdf: PDFKit.PDFDocument, text: string, y: number): number {
  drawRule(pdf, y - 12, LINE, 0.5);
  say(pdf, text, MARGIN, y + 4, { font: 'bold', size: 11 });
  return y + 30;
}

/** A line across the page. */
export function drawRule(pdf: PDFKit.PDFDocument, y: number, colour: string, width: number): void {
  pdf.moveTo(MARGIN, y).lineTo(RIGHT, y).lineWidth(width).stroke(colour);
}

type Look = Readonly<{
  font?: 'regular' | 'bold';
  size: number;
  colour?: string;
  align?: 'left' | 'right';
  height?: number;
  /** To the right margin by default. */
  width?: number;
}>;

/** Text at `x`; what does not fit ends in an ellipsis. */
export function say(pdf: PDFKit.PDFDocument, text: string, x: number, y: number, look: Look): void {
  const { align = 'left', colour = INK, font = 'regular', height, size, width = RIGHT - x } = look;
  pdf
    .font(font)
    .fontSize(size)
    .fillColor(colour)
    .text(text, x, y, { width, align, lineGap: LINE_GAP, height: height ?? size * 1.6, ellipsis: true });
}
