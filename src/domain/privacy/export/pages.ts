/** Where a page of rows ends. */
export type Cursor = Readonly<{ at: Date; id: string }>;

const FIRST: Cursor = { at: new Date(0), id: '' };

/**
 * Rows page by page, oldest first, by time and id: a list of any length costs one page of memory. `read` gives the rows after a
 * cursor, at most `size`.
 */
export async function* readPages<Row extends { id: string }>(
  size: number,
  timeOf: (row: Row) => Date,
  read: (after: Cursor, size: number) => Promise<Row[]>,
): AsyncGenerator<Row[]> {
  let after = FIRST;
  for (;;) {
    const rows = await read(after, size);
    const last = rows.at(-1);
    if (last) {
      yield rows;
      after = { at: timeOf(last), id: last.id };
    }
    if (rows.length < size) return;
  }
}

/** Rows of a page. */
export const PAGE = 500;
/** A time as the lists of a copy write it. */
export const iso = (at: Date | null) => at?.toISOString() ?? null;

/** Parts of a page of rows that are read at once. */
const PARTS = 1_000;

/** All that belongs to a page of rows, by id. `read` gives the rows after an id, at most `take`. */
export async function readParts<Row extends { id: string }>(
  read: (id: { gt: string }, take: number) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const next = await read({ gt: rows.at(-1)?.id ?? '' }, PARTS);
    rows.push(...next);
    if (next.length < PARTS) return rows;
  }
}
