import { createHash } from 'node:crypto';
import { unzipSync } from 'fflate';

/** A table as a spreadsheet reads it (RFC 4180): rows by the names of the first line. */
export function readCsv(bytes: Uint8Array): Array<Record<string, string>> {
  const text = Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  const lines: string[][] = [];
  let cells: string[] = [];
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    if (end === '' && cells.length === 0) break;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    lines.push(cells);
    cells = [];
  }
  const [names = [], ...rows] = lines;
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? ''])));
}

type Section = { name: string; rows: number; sha256: string; part: number };
type Manifest = {
  schema_version: number;
  generated_at: string;
  user_id: string;
  documents: number;
  notes: string[];
  sections: Section[];
};

export const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A copy as its owner unpacks it. */
export function unpack(documents: ReadonlyArray<Uint8Array>) {
  const parts = documents.map((bytes) => unzipSync(bytes));
  const files = new Map(parts.flatMap((part) => Object.entries(part)));
  const bytesOf = (name: string): Uint8Array => {
    const bytes = files.get(name);
    if (!bytes) throw new Error(`there is no ${name}`);
    return bytes;
  };
  const textOf = (name: string) => Buffer.from(bytesOf(name)).toString('utf8');
  const jsonOf = <Content>(name: string) => JSON.parse(textOf(name)) as Content;
  return {
    parts,
    names: [...files.keys()],
    bytesOf,
    textOf,
    jsonOf,
    rowsOf: (name: string) => jsonOf<Array<Record<string, string>>>(name),
    manifest: jsonOf<Manifest>('manifest.json'),
    /** Everything that can be read in it, for looking what is not in it. */
    whole: [...files.values()].map((bytes) => Buffer.from(bytes).toString('utf8')).join('\n'),
  };
}
