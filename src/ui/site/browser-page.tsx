import type { ReactNode } from 'react';
import { DocumentBody } from '#ui/components/document-body.tsx';
import { Icon, type IconName, Star } from '#ui/components/icons.tsx';
import { Question } from '#ui/components/question.tsx';
import { Card } from '#ui/components/section.tsx';
import type { Language, LongMessages, Translate } from '#ui/message-format.ts';
import { pathOf, type Route, startParamOf } from '#ui/routes.ts';
import { QrCode } from '#ui/site/qr.tsx';

type Props = Readonly<{
  route: Route;
  language: Language;
  t: Translate;
  long: LongMessages;
  botUsername: string;
  retention: Readonly<Record<string, number>>;
}>;

/** What someone sees who opens Hoshi outside Telegram. Server-rendered, complete without scripts. */
export function BrowserPage(props: Props) {
  const { route, language, t } = props;
  return (
    <div className="only-browser mx-auto flex min-h-dvh w-full max-w-3xl flex-col px-4">
      <header className="flex items-center justify-between py-4">
        <a href={`/?lang=${language}`} className="flex min-h-11 items-center gap-2 text-heading">
          <Star className="size-6" />
          Hoshi
        </a>
        <LanguageLinks path={pathOf(route)} language={language} t={t} />
      </header>
      <main className="flex-1 pb-10">
        <Content {...props} />
      </main>
      <footer className="flex flex-wrap gap-x-6 border-t-[0.5px] border-separator py-3 text-sub">
        {(['terms', 'privacy', 'help'] as const).map((screen) => (
          <a key={screen} href={`/${screen}?lang=${language}`} className="flex min-h-11 items-center text-link">
            {t(screen === 'help' ? 'help.title' : `legal.${screen}`)}
          </a>
        ))}
      </footer>
    </div>
  );
}

function LanguageLinks({ path, language, t }: { path: string; language: Language; t: Translate }) {
  return (
    <nav aria-label={t('settings.language')} className="flex gap-1">
      {(['ja', 'en'] as const).map((one) => (
        <a
          key={one}
          href={`${path}?lang=${one}`}
          lang={one}
          aria-current={one === language ? 'true' : undefined}
          className="flex min-h-11 items-center px-2 text-sub text-link aria-[current]:font-semibold aria-[current]:text-text"
        >
          {one === 'ja' ? '日本語' : 'English'}
        </a>
      ))}
    </nav>
  );
}

function Content(props: Props) {
  const { language, long, retention, route, t } = props;
  switch (route.screen) {
    case 'home':
      return <Landing {...props} />;
    case 'terms':
    case 'privacy':
      return (
        <article className="max-w-2xl">
          <h1 className="text-title">{t(`legal.${route.screen}`)}</h1>
          <DocumentBody document={long.documents[route.screen]} language={language} values={retention} />
        </article>
      );
    case 'help':
      return (
        <>
          <h1 className="text-title">{t('help.title')}</h1>
          <Card className="mt-6">
            {Object.entries(long.faq).map(([name, { question, answer }]) => (
              <Question key={name} question={question} answer={answer} />
            ))}
          </Card>
        </>
      );
    default:
      return <OpensInTelegram {...props} />;
  }
}

function Landing(props: Props) {
  const { t } = props;
  const points: ReadonlyArray<[IconName, 'shield' | 'split' | 'cancel']> = [
    ['shield', 'shield'],
    ['receipt', 'split'],
    ['repeat', 'cancel'],
  ];
  return (
    <>
      <div className="grid gap-8 py-6 sm:grid-cols-[1fr_auto] sm:items-center sm:py-12">
        <div>
          <h1 className="text-display">{t('site.title')}</h1>
          <p className="mt-3 max-w-md text-body text-hint">{t('site.lead')}</p>
          <OpenLink {...props} />
        </div>
        <Scan {...props} />
      </div>
      <ul className="grid gap-3 sm:grid-cols-3">
        {points.map(([icon, name]) => (
          <li key={name} className="rounded-card bg-surface p-5">
            <Icon name={icon} className="size-7 text-link" />
            <h2 className="mt-3 text-body font-semibold">{t(`site.${name}.title`)}</h2>
            <p className="mt-1 text-sub text-hint">{t(`site.${name}.text`)}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

function OpensInTelegram(props: Props) {
  const { t } = props;
  return (
    <div className="grid gap-8 py-6 sm:grid-cols-[1fr_auto] sm:items-center sm:py-12" data-testid="outside-telegram">
      <div>
        <h1 className="text-title">{t('outside.title')}</h1>
        <p className="mt-3 max-w-md text-body text-hint">{t('outside.text')}</p>
        <OpenLink {...props} />
      </div>
      <Scan {...props} />
    </div>
  );
}

/** Where Telegram opens the same screen, when a deep link can name it. */
function linkOf({ route, botUsername }: Props): string {
  const startParam = startParamOf(route);
  return `https://t.me/${botUsername}${startParam === null ? '' : `?startapp=${startParam}`}`;
}

function OpenLink(props: Props): ReactNode {
  return (
    <a
      href={linkOf(props)}
      data-testid="open-in-telegram"
      className="mt-6 inline-flex min-h-12 items-center gap-2 rounded-card bg-button px-6 font-semibold text-on-button"
    >
      <Icon name="telegram" className="size-5" />
      {props.t('site.open')}
    </a>
  );
}

function Scan(props: Props) {
  return (
    <figure className="flex flex-col items-start gap-2 sm:items-center">
      <QrCode text={linkOf(props)} label={props.t('site.qr')} />
      <figcaption className="text-note text-hint">{props.t('site.scan')}</figcaption>
    </figure>
  );
}
