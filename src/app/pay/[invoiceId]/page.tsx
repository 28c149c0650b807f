import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { isOrder, messagesOf, pageLanguage, siteConfig } from '#app/site.ts';
import { makeTranslate } from '#ui/message-format.ts';
import { PayPage } from '#ui/pay/pay-page.tsx';

type Props = {
  params: Promise<{ invoiceId: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
};

/** The address is a secret of those who were given it: no search engine may keep it. */
export async function generateMetadata({ searchParams }: Props): Promise<Metadata> {
  const language = await pageLanguage(searchParams);
  const t = makeTranslate(language, messagesOf(language).client);
  return { title: t('pay.title'), robots: { index: false, follow: false } };
}

/** The browser checkout of one order, for whoever holds its link. */
export default async function Page({ params, searchParams }: Props) {
  const { invoiceId } = await params;
  if (!(await isOrder(invoiceId))) notFound();
  const language = await pageLanguage(searchParams);
  const { botUsername } = await siteConfig();
  return (
    <PayPage
      invoiceId={invoiceId}
      botUsername={botUsername}
      language={language}
      messages={messagesOf(language).client}
    />
  );
}
