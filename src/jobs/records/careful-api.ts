import { Api, type HttpError } from 'grammy';
import { makeCarefulAgent, NOT_CONNECTED } from '#lib/agent.ts';

/** As long as other calls to Telegram. */
const TIMEOUT_SECONDS = 8;

/** A Bot API client for what must not be sent twice: its errors say whether a call can have reached Telegram. */
export function makeCarefulApi(options: { token: string; apiRoot: string; timeoutSeconds?: number }): Api {
  const { apiRoot, timeoutSeconds = TIMEOUT_SECONDS, token } = options;
  // Half of the time for the connection: of a call that runs out of it later, nobody knows whether it arrived.
  const agent = makeCarefulAgent(apiRoot.startsWith('https:'), (timeoutSeconds * 1000) / 2);
  return new Api(token, { apiRoot, timeoutSeconds, canUseWebhookReply: () => false, baseFetchConfig: { agent } });
}

/** Whether a call of a careful client failed before anything of it was sent. */
export function wasNeverSent({ error }: HttpError): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === NOT_CONNECTED;
}
