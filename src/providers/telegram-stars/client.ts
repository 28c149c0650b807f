import { ProviderError } from '#domain/provider/error.ts';
import { NoAnswerError, postJson } from '#lib/http.ts';
import { readAnswer } from './wire.ts';

export type BotApi = { call(method: string, parameters: Record<string, unknown>): Promise<unknown> };

const TIMEOUT_MS = 8_000;

/** The Bot API over HTTPS. Each call throws ProviderError when Telegram refuses or does not answer. */
export function makeBotApi(options: { apiRoot: string; botToken: string; timeoutMs?: number }): BotApi {
  const { apiRoot, botToken, timeoutMs = TIMEOUT_MS } = options;
  return {
    async call(method, parameters) {
      try {
        const answer = await postJson(`${apiRoot}/bot${botToken}/${method}`, parameters, timeoutMs);
        return readAnswer(answer.status, answer.body);
      } catch (error) {
        // The cause is dropped on purpose: fetch errors quote the address, and the address holds the token.
        if (error instanceof NoAnswerError) throw new ProviderError('unavailable', 'NO_ANSWER');
        throw error;
      }
    },
  };
}
