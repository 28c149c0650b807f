'use client';
import { useT } from '#ui/i18n.tsx';
import { Sheet } from '#ui/pay/sheet.tsx';

/** The shape of an open order, the state most links lead to. */
export function PaySkeleton() {
  const t = useT();
  return (
    <div aria-busy="true" data-testid="skeleton">
      <h1 className="sr-only">{t('pay.title')}</h1>
      <noscript>
        <p className="mb-3 rounded-card bg-track px-4 py-3 text-sub">{t('pay.noScript')}</p>
      </noscript>
      <Sheet>
        <div className="px-4 pt-5 pb-4">
          <div className="flex justify-between">
            <div className="skeleton my-0.5 h-4 w-24" />
            <div className="skeleton my-0.5 h-4 w-32" />
          </div>
          <div className="skeleton my-1 h-[18px] w-14" />
          <div className="skeleton mt-3 mb-1 h-8 w-52" />
          <div className="skeleton mt-3 h-4 w-64" />
        </div>
        <div className="space-y-7 px-4 pt-13 pb-4">
          {[0, 1].map((key) => (
            <div key={key} className="flex items-center gap-3">
              <div className="size-[22px] shrink-0 rounded-full bg-track" />
              <div className="flex-1 space-y-2.5">
                <div className="skeleton h-4 w-24" />
                <div className="skeleton h-3.5 w-48" />
              </div>
            </div>
          ))}
        </div>
        <div className="px-4 pt-13 pb-5">
          <div className="skeleton h-3 w-full rounded-full" />
          <div className="skeleton mt-4 h-4 w-full" />
          <div className="skeleton mt-3 h-4 w-full" />
        </div>
        <div className="p-4">
          <div className="skeleton h-12 w-full rounded-card" />
        </div>
      </Sheet>
    </div>
  );
}
