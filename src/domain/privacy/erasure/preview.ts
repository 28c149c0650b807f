import type { Ctx } from '#domain/context/context.ts';
import { requireSelf } from '#domain/context/permission.ts';
import { findBlockers } from '#domain/privacy/erasure/blockers.ts';
import { countErasable } from '#domain/privacy/erasure/classes.ts';
import { listRetained, type Retained } from '#domain/privacy/erasure/retained.ts';
import { type Blocker, ERASED_CLASSES, type ErasedClass } from '#domain/privacy/erasure/rules.ts';
import type { Erasure } from '#lib/generated/prisma/client.ts';

/** How things stand with a person's erasure, and what it would do at this moment. */
export type ErasurePreview = Readonly<{
  /** The last that was asked for; null when none ever was. */
  latest: Erasure | null;
  blockers: ReadonlyArray<Blocker>;
  /** What would go; classes of which there is nothing are left out. */
  goes: ReadonlyArray<Readonly<{ class: ErasedClass; count: number }>>;
  stays: ReadonlyArray<Retained>;
}>;

/** Looks at a person's own rows. Throws forbidden not_yours for anybody else. */
export async function previewErasure(ctx: Ctx, userId: string): Promise<ErasurePreview> {
  requireSelf(ctx, userId);
  const [latest, blockers, counts, stays] = await Promise.all([
    ctx.db.erasure.findFirst({ where: { userId }, orderBy: [{ requestedAt: 'desc' }, { id: 'desc' }] }),
    findBlockers(ctx, userId),
    countErasable(ctx, userId),
    listRetained(ctx, userId),
  ]);
  const goes = ERASED_CLASSES.map((name) => ({ class: name, count: counts[name] })).filter(({ count }) => count > 0);
  return { latest, blockers, goes, stays };
}
