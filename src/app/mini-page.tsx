import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { notFound } from 'next/navigation';
import { messagesOf, pageLanguage, siteConfig } from '#app/site.ts';
import { makeTranslate } from '#ui/message-format.ts';
import { MiniApp } from '#ui/mini-app.tsx';
import { parseRoute, type Route } from '#ui/routes.ts';
import { BrowserPage } from '#ui/site/browser-page.tsx';

type Props = { searchParams: Promise<Record<string, string | string[] | undefined>> };

/** The screen of the address, which the proxy hands on: one page stands behind every folder of (mini). */
async function routeOf(): Promise<Route> {
  return parseRoute((await headers()).get('x-hoshi-path') ?? '/') ?? notFound();
}

export async function generateMetadata(props: Props): Promise<Metadata> {
  const route = await routeOf();
  if (route.screen !== 'terms' && route.screen !== 'privacy' && route.screen !== 'help') return {};
  const language = await pageLanguage(props.searchParams);
  const t = makeTranslate(language, messagesOf(language).client);
  return { title: t(route.screen === 'help' ? 'help.title' : `legal.${route.screen}`) };
}

/** Every screen of the Mini App, and beside it what the same address is in a plain browser. */
export default async function MiniPage(props: Props) {
  const route = await routeOf();
  const language = await pageLanguage(props.searchParams);
  const { client, long } = messagesOf(language);
  const site = await siteConfig();
  return (
    <MiniApp site={site} language={language} messages={client}>
      <BrowserPage
        route={route}
        language={language}
        t={makeTranslate(language, client)}
        long={long}
        botUsername={site.botUsername}
        retention={site.retention}
      />
    </MiniApp>
  );
}
