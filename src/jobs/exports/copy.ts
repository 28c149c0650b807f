import { createHash, type Hash } from 'node:crypto';
import { CSV_BOM, type CsvCell, csvLine } from '#lib/csv.ts';
import { makeZip, type ZipFile, type ZipWriter } from '#lib/zip.ts';

/** What the manifest says of a file. `part`: in which of the documents it is. */
export type Section = Readonly<{ name: string; rows: number; sha256: string; part: number }>;

/** How the rows of a list are written. */
export type Format<Row> = Readonly<{
  extension: string;
  head: string;
  line: (row: Row, isFirst: boolean) => string;
  tail: string;
}>;

export const JSON_LIST: Format<object> = {
  extension: 'json',
  head: '[',
  line: (row, isFirst) => `${isFirst ? '' : ','}\n${JSON.stringify(row)}`,
  tail: '\n]\n',
};

/** `columns`: the names of the first line, each with its cell. */
export function csvFormat<Row>(columns: Readonly<Record<string, (row: Row) => CsvCell>>): Format<Row> {
  const cells = Object.values(columns);
  return {
    extension: 'csv',
    head: CSV_BOM + csvLine(Object.keys(columns)),
    line: (row) => csvLine(cells.map((cell) => cell(row))),
    tail: '',
  };
}

/** A file whose rows are still being written; it goes on in the next document under another number. */
export type List<Row> = Readonly<{ write(row: Row): void; end(): void }>;

/** A document that is ready; more follow unless it is the last. */
export type Document = Readonly<{ bytes: Uint8Array; number: number; isLast: boolean }>;

type OpenFile = { file: ZipFile; hash: Hash; name: string; rows: number };

/**
 * A copy of data that is being written, one document after the other: of at most `partBytes` and a page of rows, so that no more
 * than one is ever in memory.
 */
export class Copy {
  readonly #at: Date;
  readonly #partBytes: number;
  readonly #send: (document: Document) => Promise<void>;
  readonly #lists = new Set<{ pause(): void }>();
  readonly #sections: Section[] = [];
  #zip: ZipWriter;
  #number = 1;

  constructor(options: { at: Date; partBytes: number; send: (document: Document) => Promise<void> }) {
    this.#at = options.at;
    this.#partBytes = options.partBytes;
    this.#send = options.send;
    this.#zip = makeZip(options.at);
  }

  /** Begins a list, which exists also when nothing is written to it. */
  list<Row>(name: string, format: Format<Row>): List<Row> {
    let opened = 0;
    let open: OpenFile | null = null;
    const begin = (): OpenFile => {
      opened += 1;
      const begun = this.#open(`${name}${opened === 1 ? '' : `-${opened}`}.${format.extension}`);
      put(begun, format.head);
      return begun;
    };
    const pause = () => {
      if (!open) return;
      put(open, format.tail);
      this.#close(open);
      open = null;
    };
    const list = { pause };
    this.#lists.add(list);
    return {
      write(row) {
        open ??= begin();
        put(open, format.line(row, open.rows === 0));
        open.rows += 1;
      },
      end: () => {
        if (opened === 0) open = begin();
        pause();
        this.#lists.delete(list);
      },
    };
  }

  /** Adds a file of its own that the manifest names. */
  add(name: string, bytes: Uint8Array): void {
    const file = this.#open(name);
    file.hash.update(bytes);
    file.file.write(bytes);
    file.rows = 1;
    this.#close(file);
  }

  /** Adds a file that a list names. Returns its SHA-256, hexadecimal. */
  addListed(name: string, text: string): string {
    const { file, hash } = this.#open(name);
    const bytes = Buffer.from(text);
    file.write(bytes);
    file.end();
    return hash.update(bytes).digest('hex');
  }

  /** Sends the document when it is full; lists go on in the next. */
  async settle(): Promise<void> {
    if (this.#zip.size() < this.#partBytes) return;
    for (const list of this.#lists) list.pause();
    await this.#send({ bytes: this.#zip.finish(), number: this.#number, isLast: false });
    this.#zip = makeZip(this.#at);
    this.#number += 1;
  }

  /** Sends the last document, with the manifest of all. Returns how many there were. */
  async finish(about: object): Promise<number> {
    const manifest = { ...about, documents: this.#number, sections: this.#sections };
    this.addListed('manifest.json', `${JSON.stringify(manifest, null, 2)}\n`);
    await this.#send({ bytes: this.#zip.finish(), number: this.#number, isLast: true });
    return this.#number;
  }

  #open(name: string): OpenFile {
    return { file: this.#zip.open(name), hash: createHash('sha256'), name, rows: 0 };
  }

  #close({ file, hash, name, rows }: OpenFile): void {
    file.end();
    this.#sections.push({ name, rows, sha256: hash.digest('hex'), part: this.#number });
  }
}

function put({ file, hash }: OpenFile, text: string): void {
  const bytes = Buffer.from(text);
  hash.update(bytes);
  file.write(bytes);
}
