'use client';
import type { FailureView } from '#api/views.ts';
import { Icon } from '#ui/components/icons.tsx';
import { useT } from '#ui/i18n.tsx';

/** Why the last try to pay did not go through, and what to do about it. What was chosen stays. */
export function FailureNote({ failure, className = '' }: { failure: FailureView; className?: string }) {
  const t = useT();
  return (
    <div
      role="status"
      data-testid="failure-note"
      className={`appear flex gap-3 rounded-card bg-track px-4 py-3 ${className}`}
    >
      <Icon name="alert" className="mt-px size-5 text-danger" />
      <div className="min-w-0 text-sub">
        <p className="font-semibold">{t('payFailed')}</p>
        <p className="mt-0.5">{failure.text}</p>
      </div>
    </div>
  );
}
