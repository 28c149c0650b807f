'use client';
import { lazy, Suspense, useState } from 'react';
import { CopyText } from '#ui/components/copy.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { useT, useWords } from '#ui/i18n.tsx';

/** Drawn only when somebody asks for it: the code that makes it is larger than this page. */
const QrCode = lazy(() => import('#ui/site/qr.tsx').then(({ QrCode: Drawn }) => ({ default: Drawn })));

/** A QR code that keeps its place while it is drawn. */
export function LateQrCode({ text, label }: { text: string; label: string }) {
  return (
    <Suspense fallback={<div className="skeleton size-44" />}>
      <QrCode text={text} label={label} />
    </Suspense>
  );
}

/** This page for another device: begin at the desk, pay with the phone. */
export function HandOver() {
  const t = useT();
  const { language } = useWords();
  const [address, setAddress] = useState<string | null>(null);
  return (
    <details
      className="group mt-3 rounded-[16px] border border-separator"
      onToggle={({ currentTarget }) =>
        setAddress(currentTarget.open ? `${location.origin}${location.pathname}?lang=${language}` : null)
      }
    >
      <summary
        data-testid="hand-over"
        className="flex min-h-12 list-none items-center justify-between gap-3 rounded-[16px] px-4 text-sub [&::-webkit-details-marker]:hidden"
      >
        {t('pay.handOver.title')}
        <Icon name="chevron" className="size-4 rotate-90 text-hint group-open:-rotate-90" />
      </summary>
      {address !== null && (
        <div className="flex flex-col items-center gap-3 px-4 pb-4 text-center">
          <LateQrCode text={address} label={t('pay.handOver.qr')} />
          <p className="max-w-xs text-note text-pretty text-hint">{t('pay.handOver.text')}</p>
          <CopyText text={address} />
        </div>
      )}
    </details>
  );
}
