'use client';
import { useEffect, useState } from 'react';
import { Star } from '#ui/components/icons.tsx';
import { loadMessages } from '#ui/i18n.tsx';
import { languageOf, makeTranslate, type Translate } from '#ui/message-format.ts';

/** What a page shows when the server could not make it. The words come after the sign, in the document's language. */
export default function PageError() {
  const [t, setT] = useState<Translate | null>(null);

  useEffect(() => {
    const language = languageOf(document.documentElement.lang);
    loadMessages(language).then(
      (messages) => setT(() => makeTranslate(language, messages)),
      // Without a connection there are no words either; the sign and the button's symbol remain.
      () => undefined,
    );
  }, []);

  return (
    <main
      className="mx-auto flex min-h-dvh max-w-md flex-col items-center justify-center px-6 text-center"
      role="alert"
    >
      <Star className="size-12" />
      <h1 className="mt-6 text-title">{t?.('broken.title') ?? 'Hoshi'}</h1>
      <p className="mt-2 text-body text-hint">{t?.('broken.text')}</p>
      <button
        type="button"
        onClick={() => location.reload()}
        className="mt-6 flex min-h-12 items-center rounded-card bg-button px-6 font-semibold text-on-button"
      >
        {t?.('broken.reload') ?? '↻'}
      </button>
    </main>
  );
}
