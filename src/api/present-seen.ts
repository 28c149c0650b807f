import type { CatalogPlan, CatalogProduct } from '#domain/catalog/list-catalog.ts';
import { RETENTION } from '#domain/context/retention.ts';
import type { Language } from '#domain/identity/rules.ts';
import type { Seen, Span } from '#domain/privacy/seen.ts';
import { formatDateTime, formatMoney, providerName, translator } from '#messages/translate.ts';
import { languageOfUser, presentInstantOrNull } from './present.ts';
import type { SeenClass, SeenClassView, SeenFact, SeenStorage } from './privacy-views.ts';

type Plans = ReadonlyMap<string, { product: CatalogProduct; plan: CatalogPlan }>;
type Facts = Array<readonly [label: SeenFact, value: string]>;
type Look = Readonly<{ seen: Seen; plans: Plans; language: Language }>;

/** The plans that are to be named. */
export function plansSeen({ running }: Seen): string[] {
  return [...running.planIds, ...running.subscriptions.map(({ planId }) => planId)];
}

/** What the server has of a person: first what lies there as it is, last what only they can read. */
export function presentSeen(seen: Seen, plans: Plans, language: Language): SeenClassView[] {
  const look = { seen, plans, language };
  const { audit, cards, exports, jobs, keys, log, orders, payments, sealed, waiting } = seen;
  const of = (name: SeenClass, storage: SeenStorage, span: Span | null, facts: Facts, rest: Rest = {}) =>
    presentClass({ name, storage, span, facts, rest, language });
  return [
    of('account', 'plain', one(seen.user.createdAt), accountFacts(look)),
    of('running', 'plain', runningSpan(seen), runningFacts(look)),
    of('payments', 'plain', payments, paymentFacts(look)),
    of('orders', 'plain', orders, [['paid', String(orders.paid)]]),
    of('jobs', 'plain', jobs, each('kind', jobs.names)),
    of('audit', 'plain', audit, each('kind', audit.actions), { isMore: audit.isMore }),
    of('exports', 'plain', exports, [], { keepDays: RETENTION.exportDays }),
    of('agreements', 'plain', seen.agreements, each('kind', seen.agreements.texts)),
    of('telegram', 'server', one(seen.user.createdAt), telegramFacts(look)),
    of(
      'cards',
      'server',
      cards,
      each(
        'card',
        cards.shown.map((card) => cardText(card, language)),
      ),
    ),
    of('keys', 'server', keys, each('fingerprint', keys.fingerprints)),
    of('log', 'server', one(log.boundAt, log.group ? 1 : 0), logFacts(look)),
    of('waiting', 'server', waiting, [['size', sizeText(waiting.bytes)]]),
    of('webhooks', 'server', null, [], { keepDays: seen.bodyDays }),
    of('sealed', 'owner', sealed, [['size', sizeText(sealed.bytes)]], { keepDays: log.keepDays }),
  ];
}

type Rest = { isMore?: boolean; keepDays?: number };

function presentClass(shown: {
  name: SeenClass;
  storage: SeenStorage;
  span: Span | null;
  facts: Facts;
  rest: Rest;
  language: Language;
}): SeenClassView {
  const { facts, language, name, rest, span, storage } = shown;
  return {
    name,
    storage,
    count: span?.count ?? null,
    isMore: rest.isMore ?? false,
    from: presentInstantOrNull(span?.oldest ?? null, language),
    to: presentInstantOrNull(span?.newest ?? null, language),
    keepDays: rest.keepDays ?? null,
    // Sizes and counts of nothing say nothing.
    facts: span?.count === 0 ? [] : facts.map(([label, value]) => ({ label, value })),
  };
}

const one = (at: Date | null, count = 1): Span => ({ count, oldest: at, newest: at });
const each = (label: SeenFact, values: ReadonlyArray<string>): Facts => values.map((value) => [label, value] as const);

function accountFacts({ language, seen: { user } }: Look): Facts {
  const t = translator(language);
  const yesNo = (is: boolean) => t(is ? 'app.seen.yes' : 'app.seen.no');
  return [
    ['id', user.id],
    ['language', translator(languageOfUser(user))('common.languageName')],
    ['role', user.role],
    ['botMayWrite', yesNo(user.isReachable)],
    ['reminders', yesNo(user.wantsReminders)],
    ['salesNotices', yesNo(user.wantsSalesNotices)],
  ];
}

function telegramFacts({ seen: { subject, telegramId } }: Look): Facts {
  return [
    ['hash', `${subject.slice(0, 16)}…`],
    ['telegramId', telegramId.toString()],
  ];
}

function runningSpan({ running: { planIds, subscriptions } }: Seen): Span {
  const times = subscriptions.map(({ createdAt }) => createdAt);
  return { count: planIds.length + subscriptions.length, oldest: times.at(-1) ?? null, newest: times[0] ?? null };
}

function runningFacts({ language, plans, seen: { running } }: Look): Facts {
  const nameOf = (planId: string) => plans.get(planId)?.plan.texts[language].name ?? planId;
  return [
    ...each('plan', running.planIds.map(nameOf)),
    ...running.subscriptions.map(
      ({ currentPeriodEnd, planId, status }) =>
        [
          status === 'active' ? 'renews' : 'ends',
          `${nameOf(planId)}, ${formatDateTime(currentPeriodEnd, language)}`,
        ] as const,
    ),
  ];
}

function paymentFacts({ language, seen: { payments } }: Look): Facts {
  const { newestRow: newest, refunds, totals } = payments;
  return [
    ...totals.map(({ currency, paid }) => ['sum', formatMoney({ amount: paid, currency }, language)] as const),
    ...totals
      .filter(({ returned }) => returned > 0n)
      .map(({ currency, returned }) => ['returned', formatMoney({ amount: returned, currency }, language)] as const),
    ['refunds', String(refunds)],
    ...(newest
      ? ([
          ['newest', newest.id],
          ['amount', formatMoney(newest, language)],
          ['status', newest.status],
          ['provider', providerName(newest.provider, language)],
          ['charge', newest.charge_id],
          ['time', formatDateTime(newest.paid_at, language)],
        ] as const)
      : []),
  ];
}

function cardText({ brand, last4, provider }: Seen['cards']['shown'][number], language: Language): string {
  return `${brand} …${last4} (${providerName(provider, language)})`;
}

function logFacts({ language, seen: { log } }: Look): Facts {
  const t = translator(language);
  if (!log.group) return [];
  return [
    ['group', log.group.chatId.toString()],
    ['keeps', t('app.seen.days', { count: log.keepDays })],
  ];
}

const KILO = 1_024n;

/** "3 KB", at least one of what is there. */
function sizeText(bytes: bigint): string {
  return `${(bytes + KILO - 1n) / KILO} KB`;
}
