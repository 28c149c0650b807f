'use client';
import type { PaymentStatusView, SubscriptionView } from '#api/views.ts';
import { useT } from '#ui/i18n.tsx';

/** A state in one word. */
export function StatusPill({ status }: { status: PaymentStatusView | SubscriptionView['status'] }) {
  const t = useT();
  const isGood = status === 'succeeded' || status === 'active';
  const isBad = status === 'past_due' || status === 'disputed' || status === 'charged_back';
  const look = isGood ? 'bg-tint text-link' : isBad ? 'bg-track text-danger' : 'bg-track text-hint';
  return (
    <span className={`inline-block rounded-full px-2.5 py-0.5 text-note font-medium whitespace-nowrap ${look}`}>
      {t(`status.${status}`)}
    </span>
  );
}
