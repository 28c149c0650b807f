import {
  type AuditFinding,
  type AuditLink,
  type AuditRow,
  type Break,
  CHAIN_START,
  type ChainHead,
  explainBreaks,
  hashLink,
} from '#domain/audit/chain.ts';
import { readChainHead, signedText } from '#domain/audit/heads.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { findSigningKey } from '#lib/openpgp.ts';

export type AuditReport = Readonly<{
  /** Nothing was found. */
  ok: boolean;
  /** Links that were read. */
  checked: number;
  /** Signed heads that were read. */
  signatures: number;
  /** Where the chain stood when the check began; null when there is none. */
  head: ChainHead | null;
  /** In order of position, at most MAX_FINDINGS: more are not looked for. */
  findings: ReadonlyArray<AuditFinding>;
  /** The position to go on after; null when the head was reached. */
  next: bigint | null;
}>;

export const MAX_FINDINGS = 100;
const BATCH = 5_000;
/** Below every number a row can have, also one written by hand. */
const LOWEST = -(2n ** 63n);

/**
 * Checks the chain of the audit from the link after `after` on: that positions have no gap, that each row has its link and each
 * link its row, that hashes follow from one another, computed here and not by the database, and that signed heads are of this
 * chain and ours, by the present key or an earlier one. At most `limit` links, all of them when it is null, in batches. Who rewrote
 * the whole chain after a signed head is found by that head alone, and after the last one by nobody: keep `getAuditHead`
 * elsewhere. Needs `audit:read` or an admin.
 */
export async function verifyAudit(
  ctx: Ctx,
  { after, limit }: { after: bigint; limit: number | null },
): Promise<AuditReport> {
  requireScope(ctx, 'audit:read');
  const head = await readChainHead(ctx);
  const last = head?.position ?? 0n;
  const to = limit === null || after + BigInt(limit) > last ? last : after + BigInt(limit);
  const isAtHead = to >= last;
  const start = await readStart(ctx, after);
  const links = await followLinks(ctx, { after, start, to });
  const findings = [...links.findings];
  const room = () => MAX_FINDINGS - findings.length;
  if (room() > 0) findings.push(...(await findUnlinked(ctx, start.seq, isAtHead ? null : links.seq, room())));
  const signed = await checkSignatures(ctx, after, isAtHead ? null : to, last);
  findings.push(...signed.findings.slice(0, room()));
  return {
    ok: findings.length === 0,
    checked: links.checked,
    signatures: signed.checked,
    head,
    findings: findings.sort((a, b) => Number(a.position - b.position)),
    next: isAtHead || links.isCut ? null : to,
  };
}

/** The link a check begins after, as it is stored: what stands before it is not looked at. */
async function readStart(ctx: Ctx, after: bigint): Promise<ChainHead & { seq: bigint }> {
  const { rows } = await ctx.pool.query<ChainHead & { seq: bigint }>({
    name: 'audit_link_before',
    text: 'SELECT position, hash, event_seq AS seq FROM audit_link WHERE position > 0 AND position <= $1 ORDER BY position DESC LIMIT 1',
    values: [after],
  });
  return rows[0] ?? { ...CHAIN_START, seq: LOWEST };
}

type LinkRow = { position: bigint; hash: Buffer; linked: bigint; seq: bigint | null } & Omit<
  AuditRow,
  'seq' | 'atMs'
> & {
    at: Date | number;
  };

// Rows are looked up one by one, which OFFSET 0 asks for: with a plan for any positions the planner would read all of them.
async function readLinks(ctx: Ctx, after: bigint, to: bigint): Promise<Array<AuditLink & { linked: bigint }>> {
  const { rows } = await ctx.pool.query<LinkRow>({
    name: 'read_audit_links',
    text: `SELECT l.position, l.hash, l.event_seq AS linked, e.seq, e.at, e.actor, e.action, e.object_id AS "objectId",
        e.data::text AS data, e.request_id AS "requestId"
      FROM (SELECT * FROM audit_link WHERE position > $1 ORDER BY position LIMIT $2) l
      LEFT JOIN LATERAL (SELECT * FROM audit_event WHERE seq = l.event_seq OFFSET 0) e ON true ORDER BY l.position`,
    values: [after, Math.min(Number(to - after), BATCH)],
  });
  // Behind a gap there are fewer.
  const wanted = rows.filter(({ position }) => position <= to);
  return wanted.map(({ at, hash, linked, position, seq, ...texts }) => ({
    position,
    hash,
    linked,
    // A time that was made infinite comes as a number.
    row: seq === null ? null : { ...texts, seq, atMs: at instanceof Date ? at.getTime() : Number.NaN },
  }));
}

type Followed = Readonly<{ findings: AuditFinding[]; checked: number; seq: bigint; isCut: boolean }>;

type Part = Readonly<{ after: bigint; start: ChainHead & { seq: bigint }; to: bigint }>;

/** Follows the links after the position `after` to the position `to`, or until there are too many findings. */
async function followLinks(ctx: Ctx, { after, start, to }: Part): Promise<Followed> {
  const findings: AuditFinding[] = [];
  const breaks: Break[] = [];
  const isFull = () => findings.length + breaks.length >= MAX_FINDINGS;
  const findGap = (from: bigint, until: bigint) => {
    for (let gone = from; gone <= until && !isFull(); gone += 1n) findings.push({ position: gone, kind: 'missing' });
  };
  let { seq } = start;
  let position = after;
  // Null behind a gap: what the next link follows is gone.
  let previous: Buffer | null = start.position === after ? start.hash : null;
  let checked = 0;
  while (position < to && !isFull()) {
    const batch = await readLinks(ctx, position, to);
    for (const { linked, row, ...link } of batch) {
      if (link.position > position + 1n) {
        findGap(position + 1n, link.position - 1n);
        previous = null;
      }
      if (isFull()) break;
      if (row === null) findings.push({ position: link.position, kind: 'missing' });
      else if (previous && !hashLink(previous, row).equals(link.hash)) breaks.push({ ...link, previous, row });
      ({ position, hash: previous } = link);
      seq = linked;
      checked += 1;
    }
    if (batch.length === 0) {
      findGap(position + 1n, to);
      break;
    }
  }
  return { findings: [...findings, ...explainBreaks(breaks)], checked, seq, isCut: isFull() };
}

/** Rows without a link among those with numbers after `from` and up to `to` (null: all): no commit of ours wrote them. */
async function findUnlinked(ctx: Ctx, from: bigint, to: bigint | null, limit: number): Promise<AuditFinding[]> {
  const findings: AuditFinding[] = [];
  let page: UnlinkedPage = { last: from, positions: null };
  while (page.last !== null && findings.length < limit) {
    page = await readUnlinked(ctx, page.last, to, limit - findings.length);
    for (const position of page.positions ?? []) findings.push({ position, kind: 'inserted' });
  }
  return findings;
}

/** `last`: the number of the last row that was looked at, null when there was none. */
type UnlinkedPage = { last: bigint | null; positions: bigint[] | null };

async function readUnlinked(ctx: Ctx, after: bigint, to: bigint | null, limit: number): Promise<UnlinkedPage> {
  const { rows } = await ctx.pool.query<UnlinkedPage>({
    name: 'find_unlinked_audit',
    text: `WITH page AS MATERIALIZED (
        SELECT seq, (SELECT position FROM audit_link l WHERE l.event_seq = e.seq AND l.position > 0) AS position
        FROM (SELECT seq FROM audit_event WHERE seq > $1 ORDER BY seq LIMIT ${BATCH}) e WHERE $2::bigint IS NULL OR seq <= $2),
      unlinked AS (SELECT seq FROM page WHERE position IS NULL ORDER BY seq LIMIT $3)
      SELECT (SELECT max(seq) FROM page) AS last, (SELECT array_agg(1 + coalesce((
          SELECT position FROM audit_link l WHERE l.event_seq < unlinked.seq AND l.position > 0 ORDER BY l.event_seq DESC LIMIT 1), 0) ORDER BY seq)
        FROM unlinked) AS positions`,
    values: [after, to, limit],
  });
  return rows[0] ?? { last: null, positions: null };
}

type SignedRow = Readonly<{
  day: string;
  follows: boolean;
  position: bigint;
  hash: Buffer;
  signature: string;
  linked: Buffer | null;
}>;

/** Signed heads of positions after `after` and up to `to` (null: all): one for each day, each ours and of this chain. */
async function checkSignatures(
  ctx: Ctx,
  after: bigint,
  to: bigint | null,
  last: bigint,
): Promise<{ checked: number; findings: AuditFinding[] }> {
  const { rows } = await ctx.pool.query<SignedRow>({
    name: 'read_audit_signatures',
    text: `SELECT s.day::text, s.position, s.hash, s.signature, l.hash AS linked,
        s.day - 1 = lag(s.day, 1, s.day - 1) OVER (ORDER BY s.day) AS follows
      FROM audit_signature s LEFT JOIN audit_link l ON l.position = s.position
      WHERE s.position > $1 AND ($2::bigint IS NULL OR s.position <= $2) ORDER BY s.day`,
    values: [after, to],
  });
  const findings: AuditFinding[] = [];
  let end = last;
  for (const { day, follows, hash, linked, position, signature } of rows) {
    if (findings.length >= MAX_FINDINGS) break;
    const signedBy = await findSigningKey(ctx.signer, signedText(day, { position, hash }), signature);
    if (signedBy === null || !follows || (linked && !linked.equals(hash)))
      findings.push({ position, kind: 'signature' });
    if (linked !== null) continue;
    // The end of the chain was cut off.
    for (; end < position && findings.length < MAX_FINDINGS; end += 1n)
      findings.push({ position: end + 1n, kind: 'missing' });
  }
  return { checked: rows.length, findings };
}
