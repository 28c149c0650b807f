import type { Args } from './args.ts';
import { type Call, Described, type Method } from './call.ts';
import { ApiError, badRequest } from './errors.ts';
import type { WebhookRecord } from './records.ts';

const UPDATE_TYPES: readonly string[] = [
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'business_connection',
  'business_message',
  'edited_business_message',
  'deleted_business_messages',
  'message_reaction',
  'message_reaction_count',
  'inline_query',
  'chosen_inline_result',
  'callback_query',
  'shipping_query',
  'pre_checkout_query',
  'purchased_paid_media',
  'poll',
  'poll_answer',
  'my_chat_member',
  'chat_member',
  'chat_join_request',
  'chat_boost',
  'removed_chat_boost',
  'managed_bot',
  'subscription',
];
const SET_WEBHOOK_PAUSE_MS = 1_000;
const SECRET_LIMIT = 256;
const LONGEST_POLL_SECONDS = 50;

/**
 * `allowed_updates` of a call: undefined keeps what was set before, null is the default (also for a list in which no
 * known name stands).
 */
function readAllowed(args: Args): string[] | null | undefined {
  let value: unknown;
  try {
    value = args.json('allowed_updates', '');
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.some((name) => typeof name !== 'string')) return undefined;
  const names = new Set(value.map((name: unknown) => String(name).toLowerCase()));
  const known = UPDATE_TYPES.filter((name) => names.has(name));
  return known.length === 0 ? null : known;
}

function applyAllowed(call: Call): void {
  const allowed = readAllowed(call.args);
  if (allowed === undefined) return;
  call.telegram.world.webhook.allowed_updates = allowed;
  call.telegram.world.saveWebhook();
}

function checkUrl(url: string): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `https://${url}`;
  const parsed = URL.canParse(withScheme) ? new URL(withScheme) : null;
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol))
    throw badRequest('invalid webhook URL specified');
  return withScheme;
}

/** As a server in local mode: plain http, any port and any address are fine. */
const setWebhook: Method = (call) => {
  const { args, telegram, options } = call;
  const { world, delivery, updates } = telegram;
  const given = args.text('url');
  if (given === '') return removeWebhook(call);
  const realNow = options.now();
  if (realNow < telegram.nextSetWebhookAtMs) throw new ApiError(429, 'Too Many Requests: retry after 1', 1);
  telegram.nextSetWebhookAtMs = realNow + SET_WEBHOOK_PAUSE_MS;
  const secretToken = args.text('secret_token');
  const maxConnections = args.integer('max_connections', 40, 1, 100);
  const current = world.webhook;
  const isSame =
    current.url === given && current.secret_token === secretToken && current.max_connections === maxConnections;
  if (isSame && !args.flag('drop_pending_updates')) {
    applyAllowed(call);
    return new Described(true, 'Webhook is already set');
  }
  const url = checkUrl(given);
  if (secretToken.length > SECRET_LIMIT) throw badRequest('secret token is too long');
  if (!/^[A-Za-z0-9_-]*$/.test(secretToken)) throw badRequest('secret token contains unallowed characters');
  if (args.flag('drop_pending_updates')) delivery.clear();
  updates.abortPoll();
  world.webhook = {
    url,
    secret_token: secretToken,
    max_connections: maxConnections,
    ip_address: args.text('ip_address') === '' ? '127.0.0.1' : args.text('ip_address'),
    allowed_updates: current.allowed_updates,
  };
  applyAllowed(call);
  world.saveWebhook();
  delivery.webhookChanged();
  telegram.hub.stateChanged();
  return new Described(true, 'Webhook was set');
};

function removeWebhook(call: Call): Described {
  const { world, delivery, hub } = call.telegram;
  const wasSet = world.webhook.url !== '';
  if (call.args.flag('drop_pending_updates')) delivery.clear();
  applyAllowed(call);
  const { allowed_updates } = world.webhook;
  world.webhook = { url: '', secret_token: '', max_connections: 0, ip_address: '', allowed_updates };
  world.saveWebhook();
  hub.stateChanged();
  return new Described(true, wasSet ? 'Webhook was deleted' : 'Webhook is already deleted');
}

const getWebhookInfo: Method = ({ telegram }) => {
  const { world } = telegram;
  const webhook: WebhookRecord = world.webhook;
  return {
    url: webhook.url,
    has_custom_certificate: false,
    pending_update_count: world.updates.size,
    ...(webhook.last_error_date === undefined
      ? {}
      : { last_error_date: webhook.last_error_date, last_error_message: webhook.last_error_message }),
    ...(webhook.max_connections > 0 ? { max_connections: webhook.max_connections } : {}),
    ...(webhook.url === '' ? {} : { ip_address: webhook.ip_address }),
    ...(webhook.allowed_updates === null ? {} : { allowed_updates: webhook.allowed_updates }),
  };
};

const getUpdates: Method = async (call) => {
  const { args, telegram, abandoned } = call;
  if (telegram.world.webhook.url !== '') {
    throw new ApiError(
      409,
      "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
    );
  }
  applyAllowed(call);
  const waitMs = args.integer('timeout', 0, 0, LONGEST_POLL_SECONDS) * 1000;
  const found = await telegram.updates.poll(
    args.integer('offset', 0),
    args.integer('limit', 100, 1, 100),
    waitMs,
    abandoned,
  );
  if (found !== 'conflict') return found.map((update) => JSON.parse(update.json) as unknown);
  const isByWebhook = telegram.world.webhook.url !== '';
  throw new ApiError(
    409,
    isByWebhook
      ? 'Conflict: terminated by setWebhook request'
      : 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  );
};

/** Webhook and long polling. */
export const webhookMethods = { setWebhook, deleteWebhook: removeWebhook, getWebhookInfo, getUpdates };
