import type { Method } from './call.ts';
import { botMethods } from './methods-bot.ts';
import { messageMethods } from './methods-messages.ts';
import { paymentMethods } from './methods-payments.ts';
import { webhookMethods } from './methods-webhook.ts';
import { topicMethods } from './topics.ts';

/** Every method the sandbox knows, by its name in lower case. */
export const apiMethods: ReadonlyMap<string, Method> = new Map(
  Object.entries<Method>({
    ...botMethods,
    ...messageMethods,
    ...paymentMethods,
    ...webhookMethods,
    ...topicMethods,
  }).map(([name, method]) => [name.toLowerCase(), method]),
);
