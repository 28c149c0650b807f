import type { Ctx } from '#domain/context/context.ts';
import type { ExportRow, ExportScope } from '#domain/privacy/export/books.ts';
import { PAGE } from '#domain/privacy/export/pages.ts';
import { ownObjects } from '#domain/privacy/own-audit.ts';

type Entry = Readonly<{ seq: bigint; at: Date; actor: string; action: string; object_id: string; data: string }>;

const OBJECTS = 1_000;

/**
 * The audit entries that name a person, each once: first what they did, oldest first, then what others did to them or to something
 * of theirs, by the thing and oldest first.
 */
export async function* readAudit(ctx: Ctx, scope: ExportScope): AsyncGenerator<ExportRow[]> {
  for await (const entries of readDone(ctx, scope)) yield entries.map(writeEntry);
  for await (const ids of readOwnIds(ctx, scope.userId))
    for await (const entries of readAbout(ctx, scope, ids)) yield entries.map(writeEntry);
}

/** Pages of entries until one is not full. `read` gives those after the last one. */
async function* pagesOf(read: (last: Entry | undefined) => Promise<Entry[]>): AsyncGenerator<Entry[]> {
  let last: Entry | undefined;
  for (;;) {
    const entries = await read(last);
    if (entries.length > 0) yield entries;
    if (entries.length < PAGE) return;
    last = entries.at(-1);
  }
}

function readDone(ctx: Ctx, { asOf, userId }: ExportScope): AsyncGenerator<Entry[]> {
  return pagesOf(
    (last) => ctx.db.$queryRaw<Entry[]>`
      SELECT seq, at, actor, action, object_id, data::text FROM audit_event
      WHERE actor = ${userId} AND actor LIKE 'usr_%' AND at <= ${asOf} AND seq > ${last?.seq ?? 0n} ORDER BY seq LIMIT ${PAGE}`,
  );
}

/** Entries about the things of a page, but for what the person did themselves. OFFSET 0: each is looked up by its index. */
function readAbout(ctx: Ctx, { asOf, userId }: ExportScope, ids: string[]): AsyncGenerator<Entry[]> {
  return pagesOf((last) => {
    const { object_id: object, seq } = last ?? { object_id: '', seq: 0n };
    return ctx.db.$queryRaw<Entry[]>`
      SELECT e.* FROM unnest(${ids}::text[]) AS own(id), LATERAL (
        SELECT seq, at, actor, action, object_id, data::text FROM audit_event
        WHERE object_id = own.id AND actor <> ${userId} AND at <= ${asOf} OFFSET 0) AS e
      WHERE own.id >= ${object} AND (e.object_id, e.seq) > (${object}, ${seq}) ORDER BY e.object_id, e.seq LIMIT ${PAGE}`;
  });
}

async function* readOwnIds(ctx: Ctx, userId: string): AsyncGenerator<string[]> {
  let after = '';
  for (;;) {
    const rows = await ctx.db.$queryRaw<Array<{ id: string }>>`
      SELECT id FROM (${ownObjects(userId)}) AS own WHERE id > ${after} ORDER BY id LIMIT ${OBJECTS}`;
    if (rows.length > 0) yield rows.map(({ id }) => id);
    if (rows.length < OBJECTS) return;
    after = rows.at(-1)?.id ?? after;
  }
}

function writeEntry({ action, actor, at, data, object_id, seq }: Entry): ExportRow {
  return {
    entry: seq.toString(),
    at: at.toISOString(),
    actor,
    action,
    about: object_id,
    // JSON.
    data,
  };
}
