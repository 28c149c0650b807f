import type { ChainHead } from '#domain/audit/chain.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireScope } from '#domain/context/permission.ts';
import { findSigningKey, publicKeysOf, signDetached } from '#lib/openpgp.ts';

const DAY_MS = 86_400_000;
/** Days signed in one run at most. */
const BATCH = 50;

/** What is signed for a day: `hoshi audit 2026-11-20 4711 <64 hex digits>`. */
export function signedText(day: string, { hash, position }: ChainHead): string {
  return `hoshi audit ${day} ${position} ${hash.toString('hex')}`;
}

/** Where the chain stands; null when nothing was written yet. */
export async function readChainHead(ctx: Ctx): Promise<ChainHead | null> {
  const { rows } = await ctx.pool.query<ChainHead>({
    name: 'audit_head',
    text: 'SELECT position, hash FROM audit_link ORDER BY position DESC LIMIT 1',
  });
  return rows[0] ?? null;
}

/**
 * Signs the head of each finished day (UTC), once: the last link whose row was written before the day was over. What was
 * written then and committed later is under the next day's. The first signature is yesterday's. Returns how many were made.
 */
export async function signHeads(ctx: Ctx): Promise<number> {
  const now = ctx.clock.now();
  const today = startOfDay(now);
  const latest = await ctx.db.auditSignature.findFirst({ orderBy: { day: 'desc' }, select: { day: true } });
  let signed = 0;
  let day = latest ? latest.day.getTime() + DAY_MS : today - DAY_MS;
  for (; day < today && signed < BATCH; day += DAY_MS) {
    const head = await readHeadBefore(ctx, new Date(day + DAY_MS));
    if (!head) return signed;
    const signature = await signDetached(signedText(dayOf(day), head), ctx.signer, now);
    // Another worker may have signed the same day meanwhile: then that stands.
    const { count } = await ctx.db.auditSignature.createMany({
      data: [
        { day: new Date(day), position: head.position, hash: new Uint8Array(head.hash), signature, createdAt: now },
      ],
      skipDuplicates: true,
    });
    signed += count;
  }
  return signed;
}

async function readHeadBefore(ctx: Ctx, end: Date): Promise<ChainHead | null> {
  const { rows } = await ctx.pool.query<ChainHead>({
    name: 'audit_head_before',
    text: `SELECT l.position, l.hash FROM audit_link l JOIN audit_event e ON e.seq = l.event_seq
      WHERE e.at < $1 ORDER BY l.position DESC LIMIT 1`,
    values: [end],
  });
  return rows[0] ?? null;
}

export type SignedHead = ChainHead &
  Readonly<{
    day: string;
    text: string;
    signature: string;
    /** Fingerprint of the key of ours that signed it, which may be an earlier one; null when none did. */
    signedBy: string | null;
    createdAt: Date;
  }>;

/**
 * What to keep outside: the latest signed head, where the chain stands now, and the keys that signatures are checked with.
 * Needs `audit:read` or an admin.
 */
export async function getAuditHead(ctx: Ctx) {
  requireScope(ctx, 'audit:read');
  const [head, row] = await Promise.all([
    readChainHead(ctx),
    ctx.db.auditSignature.findFirst({ orderBy: { day: 'desc' } }),
  ]);
  return { head, signed: row && (await present(ctx, row)), publicKeys: publicKeysOf(ctx.signer) };
}

type SignatureRow = Readonly<{ day: Date; position: bigint; hash: Uint8Array; signature: string; createdAt: Date }>;

async function present(ctx: Ctx, row: SignatureRow): Promise<SignedHead> {
  const { createdAt, position, signature } = row;
  const day = dayOf(row.day.getTime());
  const head = { position, hash: Buffer.from(row.hash) };
  const text = signedText(day, head);
  return { ...head, day, text, signature, signedBy: await findSigningKey(ctx.signer, text, signature), createdAt };
}

function startOfDay(at: Date): number {
  return at.getTime() - (at.getTime() % DAY_MS);
}

function dayOf(startMs: number): string {
  return new Date(startMs).toISOString().slice(0, 10);
}
