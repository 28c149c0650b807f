import { z } from 'zod';
import { makeId } from './address.ts';
import { type ApiRoute, apiRoute, type Call } from './api-invoices.ts';
import { Invalid, Refusal } from './refusal.ts';
import { presentDelivery, presentWebhook } from './wire.ts';
import { type DeliveryRecord, newestFirst, type WebhookRecord } from './world.ts';

const MODIFY = 'btcpay.store.webhooks.canmodifywebhooks';
const MANY = 'stores/:store/webhooks';
const ONE = '[stores/:store/]webhooks/:id';
/** The sandbox calls nobody outside this machine. */
const LOCAL_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

const webhookBody = z.object({
  url: z.string().nullish(),
  enabled: z.boolean().default(true),
  secret: z.string().nullish(),
  automaticRedelivery: z.boolean().default(true),
  authorizedEvents: z
    .object({ everything: z.boolean().default(true), specificEvents: z.array(z.string()).default([]) })
    .nullish(),
});

export const webhookRoutes: readonly ApiRoute[] = [
  apiRoute('webhooks/list', `GET ${MANY}`, MODIFY, ({ btcpay }) =>
    [...btcpay.world.webhooks.values()].map((webhook) => presentWebhook(webhook, false)),
  ),
  apiRoute('webhooks/create', `POST ${MANY}`, MODIFY, (call) => {
    const webhook = { id: makeId(16), secret: makeId(16), ...readWebhook(call) };
    return presentWebhook(call.btcpay.world.webhooks.set(webhook.id, webhook), true);
  }),
  apiRoute('webhooks/get', `GET ${ONE}`, MODIFY, (call) => presentWebhook(getWebhook(call), false)),
  apiRoute('webhooks/update', `PUT ${ONE}`, MODIFY, (call) => {
    const webhook = { ...getWebhook(call), ...readWebhook(call) };
    return presentWebhook(call.btcpay.world.webhooks.set(webhook.id, webhook), false);
  }),
  apiRoute('webhooks/delete', `DELETE ${ONE}`, MODIFY, (call) => {
    call.btcpay.world.webhooks.delete(getWebhook(call).id);
  }),
  apiRoute('webhooks/deliveries', `GET ${ONE}/deliveries`, MODIFY, (call) =>
    newestFirst(call.btcpay.world.deliveries)
      .filter(({ webhook_id: id }) => id === getWebhook(call).id)
      .slice(0, Number(call.query.get('count') ?? 100))
      .map(presentDelivery),
  ),
  apiRoute('webhooks/delivery', `GET ${ONE}/deliveries/:second`, MODIFY, (call) => presentDelivery(getDelivery(call))),
  apiRoute(
    'webhooks/redeliver',
    `POST ${ONE}/deliveries/:second/redeliver`,
    MODIFY,
    (call) => call.btcpay.webhooks.redeliver(getKept(call)).id,
  ),
];

function getWebhook({ btcpay, id }: Call): WebhookRecord {
  const webhook = btcpay.world.webhooks.get(id);
  if (webhook === undefined) throw new Refusal(404, 'webhook-not-found', 'The webhook was not found');
  return webhook;
}

function getDelivery({ btcpay, id, second }: Call): DeliveryRecord {
  const delivery = btcpay.world.deliveries.get(second);
  if (delivery === undefined || delivery.webhook_id !== id) {
    throw new Refusal(404, 'webhookdelivery-not-found', 'The webhook delivery was not found');
  }
  return delivery;
}

/** The delivery, as long as its content is kept. */
function getKept(call: Call): DeliveryRecord {
  const delivery = getDelivery(call);
  if (!call.btcpay.webhooks.isPruned(delivery)) return delivery;
  const message = "This webhook delivery has been pruned, so it can't be redelivered";
  throw new Refusal(409, 'webhookdelivery-pruned', message);
}

/** Without a secret an update leaves the one there is. */
function readWebhook({ body }: Call): Omit<WebhookRecord, 'id' | 'secret'> & { secret?: string } {
  const given = webhookBody.parse(body);
  const url = given.url ?? '';
  const isLocal = URL.canParse(url) && LOCAL_HOSTS.includes(new URL(url).hostname);
  if (!isLocal) throw new Invalid([{ path: 'Url', message: 'Invalid Url' }]);
  return {
    url,
    enabled: given.enabled,
    automatic_redelivery: given.automaticRedelivery,
    everything: given.authorizedEvents?.everything ?? true,
    specific_events: given.authorizedEvents?.specificEvents ?? [],
    is_first: false,
    ...(given.secret == null ? {} : { secret: given.secret }),
  };
}
