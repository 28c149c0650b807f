import { sha256 } from '#lib/crypto.ts';

/** An audit row as the chain covers it: `data` is Postgres' own text of it, which has one order of keys. */
export type AuditRow = Readonly<{
  seq: bigint;
  /** Milliseconds since 1970; NaN for a time that is none. */
  atMs: number;
  actor: string;
  action: string;
  objectId: string;
  data: string;
  requestId: string;
}>;

/** A link as it is stored, with the row it stands for: null when that is gone. */
export type AuditLink = Readonly<{ position: bigint; hash: Buffer; row: AuditRow | null }>;

/** Where a chain stands: at its last link, or before the first. */
export type ChainHead = Readonly<{ position: bigint; hash: Buffer }>;

/** What the first link follows. */
export const CHAIN_START: ChainHead = { position: 0n, hash: Buffer.alloc(32) };

/**
 * `altered`: the row or its link is not what was linked. `missing`: row or link is gone. `inserted`: it was never linked; the
 * position is where it pretends to belong. `moved`: it was linked in another place. `signature`: the signed head of this
 * position is not signed by us, or is not this chain's.
 */
export type AuditFinding = Readonly<{
  position: bigint;
  kind: 'altered' | 'missing' | 'inserted' | 'moved' | 'signature';
}>;

/** A link that does not follow from the one before it. */
export type Break = Readonly<{ position: bigint; previous: Buffer; hash: Buffer; row: AuditRow }>;

/** The hash of the link that follows `previous`: what `audit_hash` in SQL says, written a second time on purpose. */
export function hashLink(previous: Buffer, row: AuditRow): Buffer {
  const texts = [row.actor, row.action, row.objectId, row.data, row.requestId];
  const fields = [row.seq, row.atMs, ...texts.map((text) => `${Buffer.byteLength(text)}:${text}`)];
  return sha256(Buffer.concat([previous, Buffer.from(fields.join(','))]));
}

/**
 * What happened where links do not fit: `breaks` in order of position. A link whose hash follows from another place was moved;
 * so was a row that belongs to another's link. One that fits nowhere was altered, or inserted when the next one follows from
 * the link before it. A link that only follows one that was moved is as it should be.
 */
export function explainBreaks(breaks: ReadonlyArray<Break>): AuditFinding[] {
  const places = new Map<Break, bigint | null>();
  const placeOf = (broken: Break): bigint | null => {
    const known = places.get(broken);
    if (known !== undefined) return known;
    // Nothing is known while it is looked for: hashes that were written by hand may point in a circle.
    places.set(broken, null);
    const place = findPlace(broken, breaks, placeOf);
    places.set(broken, place);
    return place;
  };
  const inserted = new Set<bigint>();
  for (const broken of breaks) {
    const place = placeOf(broken);
    if (place === null || place >= broken.position) continue;
    const between = breaks.filter(({ position }) => position >= place && position < broken.position);
    if (BigInt(between.length) !== broken.position - place || between.some((each) => placeOf(each) !== null)) continue;
    for (const { position } of between) inserted.add(position);
    places.set(broken, broken.position);
  }
  return breaks.flatMap((broken): AuditFinding[] => {
    const { position } = broken;
    const place = placeOf(broken);
    if (place === position) return [];
    if (inserted.has(position)) return [{ position, kind: 'inserted' }];
    return [{ position, kind: place !== null || isOfAnother(broken, breaks) ? 'moved' : 'altered' }];
  });
}

/** Where a link with its row belongs by its hash, null when its hash follows from nothing that is known. */
function findPlace(
  broken: Break,
  breaks: ReadonlyArray<Break>,
  placeOf: (broken: Break) => bigint | null,
): bigint | null {
  const follows = (previous: Buffer) => hashLink(previous, broken.row).equals(broken.hash);
  const before = breaks.find((other) => other !== broken && follows(other.hash));
  if (before) return (placeOf(before) ?? before.position) + 1n;
  return breaks.find((other) => follows(other.previous))?.position ?? null;
}

/** Whether a row is what another link stands for, under its own number or under the other's. */
function isOfAnother({ row }: Break, breaks: ReadonlyArray<Break>): boolean {
  return breaks.some((other) =>
    [row.seq, other.row.seq].some((seq) => hashLink(other.previous, { ...row, seq }).equals(other.hash)),
  );
}
