import { type AsyncFlateStreamHandler, Zip, ZipDeflate } from 'fflate';

/** A file of an archive that is being written. Several may be open at once; they stand in the order in which they end. */
export type ZipFile = Readonly<{ write(bytes: Uint8Array): void; end(): void }>;

/** An archive that is being written, in memory. */
export type ZipWriter = Readonly<{
  open(name: string): ZipFile;
  /** Bytes of it so far, within some 100 KB for each open file. */
  size(): number;
  /** Closes the archive, whose files have all ended. */
  finish(): Uint8Array;
}>;

/** What a file takes beside its bytes and, twice, its name: header, descriptor, directory entry (APPNOTE.TXT § 4.3.7 to 4.3.12). */
const HEADER_BYTES = 30 + 16 + 46;

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
      // The library holds back what stands behind a file that is open, and ends up calling itself once for each: a file is
      // handed to it whole.
      const written: Array<Parameters<AsyncFlateStreamHandler>[1]> = [];
      file.ondata = (error, chunk) => {
        if (error) throw error;
        written.push(chunk);
        size += chunk.length;
      };
      return {
        write: (bytes) => file.push(bytes),
        end() {
          file.push(new Uint8Array(), true);
          size += HEADER_BYTES + 2 * Buffer.byteLength(name);
          zip.add(file);
          for (const [index, chunk] of written.entries()) file.ondata?.(null, chunk, index === written.length - 1);
        },
      };
    },
    size: () => size,
    finish() {
      zip.end();
      return new Uint8Array(Buffer.concat(chunks));
    },
  };
}
