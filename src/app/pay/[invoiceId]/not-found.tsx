import { headers } from 'next/headers';
import { messagesOf, siteConfig } from '#app/site.ts';
import { languageOfHeader } from '#ui/message-format.ts';
import { UnknownOrder } from '#ui/pay/pay-page.tsx';

/** A link that leads to no order. */
export default async function NotFound() {
  const language = languageOfHeader((await headers()).get('x-hoshi-language'));
  const { botUsername } = await siteConfig();
  return <UnknownOrder botUsername={botUsername} language={language} messages={messagesOf(language).client} />;
}
