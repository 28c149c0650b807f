import { Zip, ZipDeflate } from 'fflate';

/** A file of an archive that is being written. Several may be open at once. */
export type ZipFile = Readonly<{ write(bytes: Uint8Array): void; end(): void }>;

/** An archive that is being written, in memory. */
export type ZipWriter = Readonly<{
  open(name: string): ZipFile;
  /** Bytes of it so far, within some 100 KB for each open file. */
  size(): number;
  /** Closes the archive, whose files have all ended. */
  finish(): Uint8Array;
}>;

/** For each entry of the directory at the end, beside its name (APPNOTE.TXT § 4.3.12). */
const DIRECTORY_ENTRY_BYTES = 46;

/** Begins an archive. `at`: the time its files say they were made. */
export function makeZip(at: Date): ZipWriter {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    chunks.push(chunk);
  });
  return {
    open(name) {
      const file = new ZipDeflate(name);
      file.mtime = at;
      zip.add(file);
      size += DIRECTORY_ENTRY_BYTES + 2 * name.length;
      // What later files say is held back by the library until the earlier ones end: it counts here all the same.
      const pass = file.ondata;
      file.ondata = (error, chunk, isLast) => {
        if (chunk) size += chunk.length;
        pass?.(error, chunk, isLast);
      };
      return { write: (bytes) => file.push(bytes), end: () => file.push(new Uint8Array(), true) };
    },
    size: () => size,
    finish() {
      zip.end();
      return new Uint8Array(Buffer.concat(chunks));
    },
  };
}
