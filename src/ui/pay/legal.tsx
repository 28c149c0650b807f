'use client';
import { useWords } from '#ui/i18n.tsx';

/** The small print. Its pages open beside this one, so that the order stays as it is. */
export function Legal({ isAgreed = false }: { isAgreed?: boolean }) {
  const { t, language } = useWords();
  return (
    <footer className="mt-5 px-4 text-center text-note text-pretty text-hint">
      {isAgreed && <p>{t('checkout.agreement')}</p>}
      <p className="flex flex-wrap justify-center">
        {(['terms', 'privacy', 'help'] as const).map((screen) => (
          <a
            key={screen}
            href={`/${screen}?lang=${language}`}
            target="_blank"
            rel="noopener"
            className="flex min-h-11 items-center px-2.5 underline decoration-separator underline-offset-4"
          >
            {t(screen === 'help' ? 'help.title' : `legal.${screen}`)}
          </a>
        ))}
      </p>
    </footer>
  );
}
