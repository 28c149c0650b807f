import { mkdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRecord } from './records.ts';

/** Contents of documents: on disk beside the state, or in memory when nothing is kept. */
export class Files {
  readonly #dir: string | null;
  readonly #say: (line: string) => void;
  /** In memory for good without a directory, else until written. */
  readonly #contents = new Map<string, Buffer>();

  constructor(stateDir: string | null, say: (line: string) => void) {
    this.#say = say;
    this.#dir = stateDir === null ? null : join(stateDir, 'files');
    if (this.#dir !== null) mkdirSync(this.#dir, { recursive: true });
  }

  put(file: FileRecord, bytes: Buffer): void {
    this.#contents.set(file.file_id, bytes);
    if (this.#dir === null) return;
    writeFile(join(this.#dir, file.file_id), bytes).then(
      () => this.#contents.delete(file.file_id),
      (error: unknown) => this.#say(`A document could not be written: ${String(error)}`),
    );
  }

  /** Null when the file is gone. */
  async get(fileId: string): Promise<Buffer | null> {
    const kept = this.#contents.get(fileId);
    if (kept !== undefined || this.#dir === null || !/^[\w-]+$/.test(fileId)) return kept ?? null;
    try {
      return await readFile(join(this.#dir, fileId));
    } catch {
      return null;
    }
  }

  drop = (file: FileRecord): void => {
    this.#contents.delete(file.file_id);
    if (this.#dir === null) return;
    rm(join(this.#dir, file.file_id), { force: true }).catch((error: unknown) => {
      this.#say(`A document could not be removed: ${String(error)}`);
    });
  };
}
