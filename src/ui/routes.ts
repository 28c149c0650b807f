import { readConfirmation } from '#ui/methods/confirmation.ts';

type SimpleScreen =
  | 'home'
  | 'plugins'
  | 'history'
  | 'subscriptions'
  | 'methods'
  | 'log'
  | 'settings'
  | 'help'
  | 'terms'
  | 'privacy'
  | 'privacy-centre'
  | 'what-server-sees'
  | 'export'
  | 'erase'
  | 'agreements'
  | 'new-key'
  | 'add-key'
  | 'open-record';

/** The screens of the Mini App and their addresses. One table: server, router and back button read it. */
export type Route =
  | { screen: SimpleScreen }
  | { screen: 'plan'; code: string }
  | { screen: 'checkout'; priceId: string }
  | { screen: 'order'; invoiceId: string }
  | { screen: 'receipt'; paymentId: string }
  | { screen: 'subscription'; subscriptionId: string }
  | { screen: 'key'; keyId: string };

export type Screen = Route['screen'];

const SIMPLE: Readonly<Record<string, SimpleScreen>> = {
  '/': 'home',
  '/plugins': 'plugins',
  '/history': 'history',
  '/subscriptions': 'subscriptions',
  '/methods': 'methods',
  '/log': 'log',
  '/settings': 'settings',
  '/help': 'help',
  '/terms': 'terms',
  '/privacy': 'privacy',
  '/privacy-centre': 'privacy-centre',
  '/what-server-sees': 'what-server-sees',
  '/export': 'export',
  '/erase': 'erase',
  '/agreements': 'agreements',
  '/keys/new': 'new-key',
  '/keys/add': 'add-key',
  '/records/open': 'open-record',
};

const CODE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** Ids of the catalogue are made of words: `prc_personal_pro_month_xtr`. */
const ID = /^[a-z]{3}_[A-Za-z0-9_]{1,64}$/;

/** The route of a path, or null for an address that does not exist. */
export function parseRoute(path: string): Route | null {
  const simple = SIMPLE[path];
  if (simple) return { screen: simple };
  const [, folder, value, ...rest] = path.split('/');
  if (value === undefined || rest.length > 0) return null;
  if (folder === 'plans') return CODE.test(value) ? { screen: 'plan', code: value } : null;
  if (!ID.test(value)) return null;
  switch (folder) {
    case 'checkout':
      return { screen: 'checkout', priceId: value };
    case 'orders':
      return { screen: 'order', invoiceId: value };
    case 'receipts':
      return { screen: 'receipt', paymentId: value };
    case 'subscriptions':
      return { screen: 'subscription', subscriptionId: value };
    case 'keys':
      return { screen: 'key', keyId: value };
    default:
      return null;
  }
}

/** The path of a route. */
export function pathOf(route: Route): string {
  switch (route.screen) {
    case 'home':
      return '/';
    case 'plan':
      return `/plans/${route.code}`;
    case 'checkout':
      return `/checkout/${route.priceId}`;
    case 'order':
      return `/orders/${route.invoiceId}`;
    case 'receipt':
      return `/receipts/${route.paymentId}`;
    case 'subscription':
      return `/subscriptions/${route.subscriptionId}`;
    case 'key':
      return `/keys/${route.keyId}`;
    case 'new-key':
      return '/keys/new';
    case 'add-key':
      return '/keys/add';
    case 'open-record':
      return '/records/open';
    default:
      return `/${route.screen}`;
  }
}

/** Where the back button leads when there is no earlier screen, as after a deep link. */
export function parentOf(route: Route): Route | null {
  switch (route.screen) {
    case 'home':
      return null;
    case 'receipt':
      return { screen: 'history' };
    case 'subscription':
      return { screen: 'subscriptions' };
    case 'methods':
    case 'log':
    case 'terms':
    case 'privacy':
    case 'privacy-centre':
      return { screen: 'settings' };
    case 'open-record':
      return { screen: 'log' };
    case 'erase':
    case 'agreements':
    case 'key':
    case 'new-key':
    case 'add-key':
    case 'what-server-sees':
    case 'export':
      return { screen: 'privacy-centre' };
    default:
      return { screen: 'home' };
  }
}

/** Screens that a deep link asks for by their own name. */
const NAMED = ['history', 'help', 'methods', 'log', 'export', 'settings', 'plugins', 'erase'] as const;

/**
 * The screen a deep link asks for (`t.me/<bot>?startapp=…`), or null. Anything outside this list is ignored: the text
 * comes from whoever made the link. A receipt arrives as `receipt_pay_…`, an open order as `invoice_inv_…`, a card that is to be
 * confirmed as `card_pmt_…`.
 */
export function routeOfStartParam(startParam: string | null): Route | null {
  if (!startParam || !/^[\w-]{1,512}$/.test(startParam)) return null;
  const named = NAMED.find((screen) => screen === startParam);
  if (named) return { screen: named };
  if (startParam === 'keys') return { screen: 'privacy-centre' };
  if (startParam === 'subscription' || startParam === 'subscriptions') return { screen: 'subscriptions' };
  if (readConfirmation(startParam)) return { screen: 'methods' };
  const [, kind, value] = /^(plan|invoice|receipt)_(.+)$/.exec(startParam) ?? [];
  if (!kind || !value) return null;
  const folder = kind === 'plan' ? 'plans' : kind === 'invoice' ? 'orders' : 'receipts';
  return parseRoute(`/${folder}/${value}`);
}

/** The deep link's text for a route, for leaving a browser towards Telegram; null when only the front door fits. */
export function startParamOf(route: Route): string | null {
  switch (route.screen) {
    case 'plan':
      return `plan_${route.code}`;
    case 'order':
      return `invoice_${route.invoiceId}`;
    case 'receipt':
      return `receipt_${route.paymentId}`;
    case 'subscriptions':
    case 'subscription':
      return 'subscription';
    case 'privacy-centre':
    case 'what-server-sees':
    case 'key':
      return 'keys';
    case 'history':
    case 'help':
    case 'methods':
    case 'log':
    case 'export':
    case 'settings':
    case 'plugins':
    case 'erase':
      return route.screen;
    default:
      return null;
  }
}
