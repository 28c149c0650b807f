'use client';
import { CopyText } from '#ui/components/copy.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { useT } from '#ui/i18n.tsx';
import type { MessageKey } from '#ui/message-format.ts';
import type { Problem } from '#ui/problem.ts';

const TITLES: Partial<Record<Problem['kind'], MessageKey>> = {
  network: 'problem.networkTitle',
  rate_limited: 'problem.waitTitle',
};

/** Why the payment could not be begun, beside the button that tries again. The countdown is for eyes only: read out every second it would be a torment. */
export function Refusal({ problem, secondsLeft = 0 }: { problem: Problem; secondsLeft?: number }) {
  const t = useT();
  return (
    <div role="alert" data-testid="refusal" className="flex gap-3 rounded-card bg-track px-4 py-3">
      <Icon name={problem.kind === 'network' ? 'offline' : 'alert'} className="mt-px size-5 text-danger" />
      <div className="min-w-0 text-sub">
        <p className="font-semibold">{t(TITLES[problem.kind] ?? 'problem.title')}</p>
        {problem.kind === 'rate_limited' ? (
          <>
            <p aria-hidden="true" className="tabular mt-0.5">
              {t('problem.waitText', { seconds: secondsLeft })}
            </p>
            <p className="sr-only">{problem.text}</p>
          </>
        ) : (
          <p className="mt-0.5">{problem.text ?? t('problem.networkText')}</p>
        )}
        {problem.requestId && (
          <div className="mt-1 text-note text-hint">
            <span>{t('problem.requestId')}</span>
            <CopyText text={problem.requestId} testId="request-id" />
          </div>
        )}
      </div>
    </div>
  );
}
