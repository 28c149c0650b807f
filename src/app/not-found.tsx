import { headers } from 'next/headers';
import { messagesOf } from '#app/site.ts';
import { Star } from '#ui/components/icons.tsx';
import { languageOfHeader, makeTranslate } from '#ui/message-format.ts';

/** An address that leads nowhere. */
export default async function NotFound() {
  const received = await headers();
  const language = languageOfHeader(received.get('x-hoshi-language') ?? received.get('accept-language'));
  const t = makeTranslate(language, messagesOf(language).client);
  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col items-center justify-center px-6 text-center">
      <Star className="size-12" />
      <h1 className="mt-6 text-title">{t('notFound.title')}</h1>
      <p className="mt-2 text-body text-hint">{t('notFound.text')}</p>
      <a href="/" className="mt-6 flex min-h-12 items-center rounded-card bg-button px-6 font-semibold text-on-button">
        {t('notFound.home')}
      </a>
    </main>
  );
}
