import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { SimProviderError } from '../control-payme-click.ts';
import type { Reply } from '../outgoing.ts';
import type { Language, Words } from '../surroundings.ts';

const time = z.int().min(1_000_000_000_000).max(9_999_999_999_999);
const timeOrNever = z.union([z.literal(0), time]);
const number = z.string().min(1);
const receivers = z.array(z.object({ id: z.string(), amount: z.int().positive() })).nullish();
const checkedState = z.literal([1, 2, -1, -2]);

const statementRow = z.object({
  id: z.string(),
  time,
  amount: z.int().positive(),
  account: z.record(z.string(), z.unknown()),
  create_time: time,
  perform_time: timeOrNever,
  cancel_time: timeOrNever,
  transaction: number,
  state: checkedState,
  reason: z.int().nullable(),
});

/** What each method must answer (reference: Merchant API methods); fields beyond these are let through. */
export const RESULTS = {
  CheckPerformTransaction: z.object({
    allow: z.literal(true),
    additional: z.record(z.string(), z.unknown()).nullish(),
    detail: z.record(z.string(), z.unknown()).nullish(),
  }),
  CreateTransaction: z.object({ create_time: time, transaction: number, state: z.literal(1), receivers }),
  PerformTransaction: z.object({ transaction: number, perform_time: time, state: z.literal(2) }),
  CancelTransaction: z.object({ transaction: number, cancel_time: time, state: z.literal([-1, -2]) }),
  CheckTransaction: z.object({
    create_time: time,
    perform_time: timeOrNever,
    cancel_time: timeOrNever,
    transaction: number,
    state: checkedState,
    reason: z.int().nullable(),
  }),
  GetStatement: z.object({ transactions: z.array(statementRow) }),
  SetFiscalData: z.object({ success: z.literal(true) }),
} as const;

export type Method = keyof typeof RESULTS;
export type Result<M extends Method> = z.infer<(typeof RESULTS)[M]>;
export type StatementRow = z.infer<typeof statementRow>;

/** An answer of the application, judged. `complaints`: where it breaks the protocol and can still be used. */
export type Answer<M extends Method> =
  | { kind: 'result'; result: Result<M>; raw: unknown; complaints: string[] }
  | { kind: 'error'; code: number; message: unknown; data: unknown; raw: unknown; complaints: string[] }
  | { kind: 'unavailable'; detail: string; raw: unknown; complaints: string[] }
  | { kind: 'malformed'; detail: string; raw: unknown; complaints: string[] };

/** Every answer but HTTP 200 counts as system failure -32400. */
const SYSTEM_FAILURE = -32400;
const ACCOUNT_ERRORS = { from: -31099, to: -31050 };

/** Judges what came back for a call with this id. */
export function judgeReply<M extends Method>(method: M, id: number, reply: Reply): Answer<M> {
  if (reply.kind === 'no_answer') return unavailable(reply.message, null);
  if (reply.status !== 200) return unavailable(`HTTP ${reply.status} instead of 200`, reply.body);
  const body = readJson(reply.body);
  if (body === null) return malformed('the answer is not a JSON object', reply.body);
  const { result, error } = body;
  const hasResult = result !== undefined && result !== null;
  const hasError = error !== undefined && error !== null;
  if (hasResult === hasError) return malformed('exactly one of result and error must be there', body);
  const complaints = body['id'] === id ? [] : [`${method}: the answer's id is ${String(body['id'])}, not ${id}`];
  if (hasError) return judgeError(method, error, body, complaints);
  const parsed = RESULTS[method].safeParse(result);
  if (!parsed.success) {
    const problem = parsed.error.issues[0];
    return malformed(`result.${problem?.path.join('.') ?? ''}: ${problem?.message ?? 'wrong'}`, body);
  }
  return { kind: 'result', result: parsed.data as Result<M>, raw: body, complaints };
}

function judgeError<M extends Method>(method: M, error: unknown, raw: unknown, complaints: string[]): Answer<M> {
  const parsed = z
    .object({ code: z.int(), message: z.unknown().optional(), data: z.unknown().optional() })
    .safeParse(error);
  if (!parsed.success) return malformed('error.code must be an integer', raw);
  const { code, message, data } = parsed.data;
  if (code === SYSTEM_FAILURE) return unavailable('error -32400', raw);
  const isAboutAccount = code >= ACCOUNT_ERRORS.from && code <= ACCOUNT_ERRORS.to;
  if (!z.object({ ru: z.string(), uz: z.string(), en: z.string() }).safeParse(message).success) {
    complaints.push(`${method}: the message of error ${code} is not an object of ru, uz and en`);
  }
  if (isAboutAccount && typeof data !== 'string') {
    complaints.push(`${method}: error ${code} must name the field of account in data`);
  }
  return { kind: 'error', code, message, data, raw, complaints };
}

function unavailable<M extends Method>(detail: string, raw: unknown): Answer<M> {
  return { kind: 'unavailable', detail, raw, complaints: [] };
}

function malformed<M extends Method>(detail: string, raw: unknown): Answer<M> {
  return { kind: 'malformed', detail, raw, complaints: [] };
}

/** Whether two answers to the same request say the same, member by member; ids belong to their requests. */
export function isSameAnswer<M extends Method>(first: Answer<M>, second: Answer<M>): boolean {
  return isDeepStrictEqual(withoutId(first.raw), withoutId(second.raw));
}

function withoutId(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null) return raw;
  const { id: _, ...rest } = raw as Record<string, unknown>;
  return rest;
}

function readJson(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

const UNAVAILABLE: Words = {
  ru: 'Сервис поставщика временно недоступен.',
  uz: 'Yetkazib beruvchi xizmati vaqtincha ishlamayapti.',
  en: 'The merchant’s service is not available at the moment.',
};
const MISBEHAVES: Words = {
  ru: 'Сервис поставщика работает неправильно.',
  uz: 'Yetkazib beruvchi xizmati notoʻgʻri ishlayapti.',
  en: 'The merchant’s service does not answer as it should.',
};

/** What the payer is told of an answer that is no result (-31622 no service, -31623 a broken one). */
export function describeFailure(answer: Answer<Method>, language: Language): SimProviderError | null {
  switch (answer.kind) {
    case 'result':
      return null;
    case 'unavailable':
      return { code: -31622, message: UNAVAILABLE[language], data: answer.detail };
    case 'malformed':
      return { code: -31623, message: MISBEHAVES[language], data: answer.detail };
    case 'error':
      return {
        code: answer.code,
        message: readMessage(answer.message, language),
        ...(typeof answer.data === 'string' ? { data: answer.data } : {}),
      };
  }
}

function readMessage(message: unknown, language: Language): string {
  if (typeof message === 'string') return message;
  const words = message as Partial<Record<Language, unknown>> | null | undefined;
  const found = words?.[language] ?? words?.ru;
  return typeof found === 'string' ? found : MISBEHAVES[language];
}
