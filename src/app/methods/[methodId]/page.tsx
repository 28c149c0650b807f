import type { Metadata } from 'next';
import { messagesOf, pageLanguage, siteConfig } from '#app/site.ts';
import { makeTranslate } from '#ui/message-format.ts';
import { AddingPage } from '#ui/methods/adding-page.tsx';

type Props = {
  params: Promise<{ methodId: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
};

/** The address is a secret of those who were given it: no search engine may keep it. */
export async function generateMetadata({ searchParams }: Props): Promise<Metadata> {
  const language = await pageLanguage(searchParams);
  const t = makeTranslate(language, messagesOf(language).client);
  return { title: t('adding.title'), robots: { index: false, follow: false }, referrer: 'no-referrer' };
}

/** Adding one payment method, for whoever holds its link. */
export default async function Page({ params, searchParams }: Props) {
  const { methodId } = await params;
  const language = await pageLanguage(searchParams);
  const { botUsername } = await siteConfig();
  return (
    <AddingPage
      methodId={methodId}
      botUsername={botUsername}
      language={language}
      messages={messagesOf(language).client}
    />
  );
}
