import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readSync, renameSync } from 'node:fs';
import { appendFile, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';

const DEFAULTS = { flushDelayMs: 200, compactFromBytes: 8 * 1024 * 1024 };
const COMPACT_CHUNK_ENTRIES = 2_000;
const READ_CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;
const HEADER = JSON.stringify({ format: 'hoshi-sandbox', version: 1 });

type Change = [table: string, key: string, value: unknown];
type OnChange = (table: string, key: string) => void;

/** A keyed collection whose changes reach the disk. Values are changed in place and announced with `touch`. */
export class Table<T> {
  readonly #name: string;
  readonly #onChange: OnChange;
  readonly #rows = new Map<string, T>();

  constructor(name: string, onChange: OnChange) {
    this.#name = name;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: string | number): T | undefined {
    return this.#rows.get(String(key));
  }

  set(key: string | number, value: T): T {
    this.#rows.set(String(key), value);
    this.#onChange(this.#name, String(key));
    return value;
  }

  /** Says that the row was changed in place. */
  touch(key: string | number): void {
    this.#onChange(this.#name, String(key));
  }

  delete(key: string | number): void {
    if (this.#rows.delete(String(key))) this.#onChange(this.#name, String(key));
  }

  clear(): void {
    for (const key of [...this.#rows.keys()]) this.delete(key);
  }

  values(): IterableIterator<T> {
    return this.#rows.values();
  }

  entries(): IterableIterator<[string, T]> {
    return this.#rows.entries();
  }

  /** Drops the oldest rows above the limit and hands each to `dropped`. */
  trim(limit: number, dropped: (row: T) => void = () => undefined): void {
    for (const [key, row] of this.#rows) {
      if (this.#rows.size <= limit) return;
      this.delete(key);
      dropped(row);
    }
  }

  /** Puts a row read from disk back without marking it as changed. */
  restore(key: string, value: T | null): void {
    if (value === null) this.#rows.delete(key);
    else this.#rows.set(key, value);
  }
}

/**
 * All tables in one file of JSON lines. Each flush appends one line with everything that changed since the last, so a
 * torn write loses at most that line and never half of it; from time to time the file is rewritten whole (to a
 * temporary name, then renamed). Without a directory nothing is written.
 */
export class Store {
  readonly #file: string | null;
  readonly #say: (line: string) => void;
  readonly #limits: typeof DEFAULTS;
  readonly #tables = new Map<string, Table<unknown>>();
  readonly #dirty = new Map<string, Set<string>>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #bytes = 0;
  #compactedBytes = 0;
  #isClosed = false;

  constructor(dir: string | null, say: (line: string) => void, limits: Partial<typeof DEFAULTS> = {}) {
    this.#say = say;
    this.#limits = { ...DEFAULTS, ...limits };
    this.#file = dir === null ? null : join(dir, 'state.jsonl');
    if (dir !== null) mkdirSync(dir, { recursive: true });
  }

  /** Declares a table; before `load`. */
  table<T>(name: string): Table<T> {
    const table = new Table<T>(name, this.#mark);
    this.#tables.set(name, table as Table<unknown>);
    return table;
  }

  /** Reads the file back. A file that cannot be understood is moved aside, and the sandbox starts afresh. */
  load(): void {
    if (this.#file === null) return;
    if (!existsSync(this.#file)) {
      appendFileSync(this.#file, `${HEADER}\n`);
      return;
    }
    try {
      this.#replay(this.#file);
    } catch (error) {
      const aside = `${this.#file}.corrupt-${Date.now()}`;
      renameSync(this.#file, aside);
      for (const table of this.#tables.values()) for (const [key] of [...table.entries()]) table.restore(key, null);
      this.#say(`The sandbox state could not be read (${String(error)}). It was moved to ${aside}; starting afresh.`);
      appendFileSync(this.#file, `${HEADER}\n`);
    }
  }

  #replay(file: string): void {
    let count = 0;
    let wasCutOff = false;
    for (const { line, isWhole } of readLines(file)) {
      this.#bytes += line.length + 1;
      count += 1;
      if (count === 1 && line !== HEADER) throw new Error('the first line is not the expected header');
      if (!isWhole) wasCutOff = true;
      else if (count > 1) this.#apply(JSON.parse(line) as Change[]);
    }
    if (count === 0) throw new Error('the file is empty');
    if (!wasCutOff) return;
    this.#say('The last write of the sandbox state was cut off; it was dropped.');
    this.#schedule(this.#compact);
  }

  #apply(changes: Change[]): void {
    for (const [name, key, value] of changes) this.#tables.get(name)?.restore(key, value);
  }

  #mark = (table: string, key: string): void => {
    if (this.#file === null || this.#isClosed) return;
    const keys = this.#dirty.get(table);
    if (keys === undefined) this.#dirty.set(table, new Set([key]));
    else keys.add(key);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#schedule(this.#flush);
    }, this.#limits.flushDelayMs);
  };

  #schedule(work: () => Promise<void>): void {
    this.#writing = this.#writing.then(work).catch((error: unknown) => {
      this.#say(`The sandbox state could not be written: ${String(error)}`);
    });
  }

  #takeChanges(): string {
    const changes: Change[] = [];
    for (const [name, keys] of this.#dirty) {
      const table = this.#tables.get(name);
      for (const key of keys) changes.push([name, key, table?.get(key) ?? null]);
    }
    this.#dirty.clear();
    return changes.length === 0 ? '' : `${JSON.stringify(changes)}\n`;
  }

  #flush = async (): Promise<void> => {
    const line = this.#takeChanges();
    if (line === '' || this.#file === null || this.#isClosed) return;
    await appendFile(this.#file, line);
    this.#bytes += line.length;
    if (this.#bytes > Math.max(this.#limits.compactFromBytes, 2 * this.#compactedBytes)) await this.#compact();
  };

  /** Rewrites the file. Rows changed meanwhile are appended once more at the end, so the last word wins. */
  #compact = async (): Promise<void> => {
    if (this.#file === null) return;
    const temporary = `${this.#file}.tmp`;
    const handle = await open(temporary, 'w');
    let bytes = 0;
    const write = async (text: string): Promise<void> => {
      if (text === '') return;
      await handle.write(text);
      bytes += text.length;
    };
    try {
      await write(`${HEADER}\n`);
      for (const [name, table] of this.#tables) {
        let chunk: Change[] = [];
        for (const [key, value] of table.entries()) {
          chunk.push([name, key, value]);
          if (chunk.length < COMPACT_CHUNK_ENTRIES) continue;
          await write(`${JSON.stringify(chunk)}\n`);
          chunk = [];
          await nextTurn();
        }
        if (chunk.length > 0) await write(`${JSON.stringify(chunk)}\n`);
      }
      await write(this.#takeChanges());
    } finally {
      await handle.close();
    }
    if (this.#isClosed) return;
    await rename(temporary, this.#file);
    this.#bytes = bytes;
    this.#compactedBytes = bytes;
  };

  /** Resolves when everything changed so far is on the disk. */
  async flushed(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#schedule(this.#flush);
    await this.#writing;
  }

  /** Writes what is left and stops. Nothing changed afterwards is kept. */
  async close(): Promise<void> {
    await this.flushed();
    this.#isClosed = true;
  }
}

/** The lines of a file, one after the other, since the whole may be larger than the memory allowed. */
function* readLines(file: string): Generator<{ line: string; isWhole: boolean }> {
  const descriptor = openSync(file, 'r');
  try {
    const chunk = Buffer.allocUnsafe(READ_CHUNK_BYTES);
    let rest: Buffer[] = [];
    for (let size = readSync(descriptor, chunk); size > 0; size = readSync(descriptor, chunk)) {
      let from = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < size; end = chunk.indexOf(NEWLINE, from)) {
        yield { line: Buffer.concat([...rest, chunk.subarray(from, end)]).toString('utf8'), isWhole: true };
        rest = [];
        from = end + 1;
      }
      if (from < size) rest.push(Buffer.from(chunk.subarray(from, size)));
    }
    if (rest.length > 0) yield { line: Buffer.concat(rest).toString('utf8'), isWhole: false };
  } finally {
    closeSync(descriptor);
  }
}
