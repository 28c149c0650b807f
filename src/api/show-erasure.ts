import { getPlans } from '#domain/catalog/list-catalog.ts';
import type { Language } from '#domain/identity/rules.ts';
import { previewErasure } from '#domain/privacy/erasure/preview.ts';
import { type Blocker, WORDS } from '#domain/privacy/erasure/rules.ts';
import { formatDate, formatDateTime } from '#messages/translate.ts';
import { presentRowMoney } from './present.ts';
import type { ErasureBlockerView, ErasureView } from './privacy-views.ts';
import type { Reader } from './trpc.ts';

/** How things stand with the reader's erasure, in their language. */
export async function showErasure({ ctx, language, user }: Reader): Promise<ErasureView> {
  const { blockers, goes, latest, stays } = await previewErasure(ctx, user.id);
  const plans = await getPlans(
    ctx,
    blockers.flatMap((blocker) => ('planId' in blocker ? [blocker.planId] : [])),
  );
  const planName = (planId: string) => plans.get(planId)?.plan.texts[language].name ?? planId;
  const dueAt = latest?.status === 'waiting' ? latest.dueAt : null;
  return {
    id: latest?.id ?? null,
    state: latest?.status ?? 'none',
    dueAt: dueAt && { iso: dueAt.toISOString(), text: formatDateTime(dueAt, language) },
    minutesLeft: dueAt && Math.max(0, Math.ceil((dueAt.getTime() - ctx.clock.now().getTime()) / 60_000)),
    word: WORDS[language],
    blockers: blockers.map((blocker) => presentBlocker(blocker, { language, planName })),
    goes: goes.map(({ class: name, count }) => ({ class: name, count })),
    stays: stays.map(({ class: name, count, until }) => ({
      class: name,
      count,
      until: until === null ? null : { iso: until, text: formatDate(new Date(until), language) },
    })),
  };
}

function presentBlocker(
  blocker: Blocker,
  { language, planName }: { language: Language; planName: (planId: string) => string },
): ErasureBlockerView {
  switch (blocker.kind) {
    case 'subscription':
      return { kind: 'subscription', subscriptionId: blocker.subscriptionId, planName: planName(blocker.planId) };
    case 'order':
      return {
        kind: 'order',
        invoiceId: blocker.invoiceId,
        planName: planName(blocker.planId),
        isHeld: blocker.isHeld,
      };
    case 'balance':
      return { kind: 'balance', money: presentRowMoney(blocker, language) };
    default:
      return blocker;
  }
}
