'use client';
import { type ReactNode, useLayoutEffect, useRef } from 'react';
import { Icon } from '#ui/components/icons.tsx';
import { OfflineBanner } from '#ui/components/states.tsx';
import { useT } from '#ui/i18n.tsx';
import { useNavigation } from '#ui/navigation.tsx';
import { hasNativeButtons } from '#ui/telegram.ts';

/** The frame of every screen: landmark, heading, offline banner, and a back button where the client draws none. */
export function Screen({ title, lead, children }: { title: ReactNode; lead?: ReactNode; children: ReactNode }) {
  const t = useT();
  const { canGoBack, back, arrive } = useNavigation();
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    if (arrive()) heading.current?.focus({ preventScroll: true });
  }, [arrive]);
  return (
    <main className="mx-auto w-full max-w-xl px-4 pt-4 pb-10">
      {canGoBack && !hasNativeButtons() && (
        <button
          type="button"
          onClick={back}
          className="-ms-2 mb-1 flex min-h-11 items-center gap-1 pe-3 text-body text-link"
          data-testid="page-back"
        >
          <Icon name="back" />
          {t('back')}
        </button>
      )}
      <h1 ref={heading} tabIndex={-1} className="text-title">
        {title}
      </h1>
      {lead && <p className="mt-1 text-sub text-hint">{lead}</p>}
      <OfflineBanner />
      {children}
    </main>
  );
}
