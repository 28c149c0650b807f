'use client';
import type { MouseEvent, ReactNode } from 'react';
import { Icon, Star } from '#ui/components/icons.tsx';
import { OfflineBanner, useIsOnline } from '#ui/components/states.tsx';
import { useWords } from '#ui/i18n.tsx';
import type { Language } from '#ui/message-format.ts';

/** What stands around every state: the sign, the languages, and a word when what is shown may be old. */
export function Frame({ isStale, children }: { isStale: boolean; children: ReactNode }) {
  const { language } = useWords();
  return (
    <div
      data-skin="desk"
      className="mx-auto flex min-h-dvh w-full max-w-[452px] flex-col px-4 pb-10 max-[359px]:px-3 sm:pt-[5vh]"
    >
      <header className="flex items-center justify-between py-2">
        <a href={`/?lang=${language}`} className="flex min-h-11 items-center gap-2 text-body font-semibold">
          <Star className="size-5" />
          Hoshi
        </a>
        <Languages />
      </header>
      <OfflineBanner />
      <Stale isStale={isStale} />
      {children}
    </div>
  );
}

/** Our server does not answer, though the device has a connection. */
function Stale({ isStale }: { isStale: boolean }) {
  const { t } = useWords();
  const isOnline = useIsOnline();
  return (
    <div role="status">
      {isStale && isOnline && (
        <p className="mb-3 flex gap-3 rounded-card bg-track px-4 py-3 text-sub">
          <Icon name="repeat" className="mt-px size-5" />
          <span>{t('pay.unreachable')}</span>
        </p>
      )}
    </div>
  );
}

/** Links to the same address in the other language; with scripts it changes in place, and nothing chosen is lost. */
function Languages() {
  const { t, language, setLanguage } = useWords();
  const change = (event: MouseEvent<HTMLAnchorElement>, wanted: Language) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    const address = `?lang=${wanted}`;
    setLanguage(wanted).then(
      () => history.replaceState(null, '', address),
      () => location.assign(address),
    );
  };
  return (
    <nav aria-label={t('settings.language')} className="-me-2 flex">
      {(['ja', 'en'] as const).map((one) => (
        <a
          key={one}
          href={`?lang=${one}`}
          lang={one}
          aria-current={one === language ? 'true' : undefined}
          onClick={(event) => change(event, one)}
          className="flex min-h-11 min-w-11 items-center justify-center px-2 text-note text-hint aria-[current]:font-semibold aria-[current]:text-text"
        >
          {one === 'ja' ? '日本語' : 'English'}
        </a>
      ))}
    </nav>
  );
}
