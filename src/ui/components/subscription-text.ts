'use client';
import type { SubscriptionView } from '#api/views.ts';
import { useT } from '#ui/i18n.tsx';

/** What happens next with a subscription, in one sentence with its date. */
export function useSubscriptionText(): (subscription: SubscriptionView) => string {
  const t = useT();
  return ({ status, currentPeriodEnd, graceUntil, endedAt, money }) => {
    switch (status) {
      case 'active':
        return t('subscription.renews', { date: currentPeriodEnd.text, price: money.text });
      case 'cancelling':
        return t('subscription.ends', { date: currentPeriodEnd.text });
      case 'past_due':
        return t('subscription.pastDue', { date: (graceUntil ?? currentPeriodEnd).text });
      default:
        return t(status === 'revoked' ? 'subscription.revoked' : 'subscription.ended', {
          date: (endedAt ?? currentPeriodEnd).text,
        });
    }
  };
}
