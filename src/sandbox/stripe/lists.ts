import { missing } from './api-error.ts';

type Row = { id: string; created: number };
type Range = { gt?: number | undefined; gte?: number | undefined; lt?: number | undefined; lte?: number | undefined };
type Page = {
  limit: number;
  starting_after?: string | undefined;
  ending_before?: string | undefined;
  created?: Range | undefined;
};

export type List<T> = { object: 'list'; data: T[]; has_more: boolean; url: string };

/** One page of a list, newest first, as `limit`, the cursors and `created` ask for. @throws ApiError for an unknown cursor */
export function listPage<T extends Row>(
  rows: Iterable<T>,
  page: Page,
  { url, fits, what }: { url: string; fits: (row: T) => boolean; what: string },
): List<T> {
  const newestFirst = [...rows].reverse();
  const indexOf = (id: string, param: string): number => {
    const index = newestFirst.findIndex((row) => row.id === id);
    if (index < 0) throw missing(what, id, param);
    return index;
  };
  const { starting_after: after, ending_before: before, created = {}, limit } = page;
  const from = after === undefined ? 0 : indexOf(after, 'starting_after') + 1;
  const to = before === undefined ? newestFirst.length : indexOf(before, 'ending_before');
  const found = newestFirst.slice(from, to).filter((row) => isWithin(row.created, created) && fits(row));
  // Going back, the page is the one next to the cursor.
  const data = before === undefined ? found.slice(0, limit) : found.slice(-limit);
  return { object: 'list', data, has_more: found.length > data.length, url };
}

function isWithin(created: number, { gt, gte, lt, lte }: Range): boolean {
  return (
    (gt === undefined || created > gt) &&
    (gte === undefined || created >= gte) &&
    (lt === undefined || created < lt) &&
    (lte === undefined || created <= lte)
  );
}
