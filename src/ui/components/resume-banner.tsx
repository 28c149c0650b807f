'use client';
import { Icon } from '#ui/components/icons.tsx';
import { pendingText } from '#ui/components/pending-text.ts';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { useMe } from '#ui/queries.ts';

/** An order that was begun and not paid: nothing is lost when the app is closed in between. */
export function ResumeBanner() {
  const t = useT();
  const { navigate } = useNavigation();
  const order = useMe().data?.openInvoice;
  if (!order) return null;
  return (
    <button
      type="button"
      data-testid="resume-banner"
      onClick={() => navigate({ screen: 'order', invoiceId: order.id })}
      className="mt-4 flex w-full items-center gap-3 rounded-card bg-tint px-4 py-3 text-start"
    >
      <Icon name="clock" className="size-6 text-link" />
      <span className="min-w-0 flex-1">
        <span className="block text-body font-medium">
          {t(order.pending ? 'resume.pendingTitle' : 'resume.title', { plan: order.planName ?? t('order.title') })}
        </span>
        <span className="block text-sub text-hint">
          {order.pending
            ? pendingText(t, order.pending).title
            : t('resume.text', { price: order.price.money.text, minutes: order.minutesLeft ?? 0 })}
        </span>
      </span>
      <Icon name="chevron" className="size-4 text-hint" />
    </button>
  );
}
