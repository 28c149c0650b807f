import type { SimProviderStep } from '../control-payme-click.ts';
import { Outgoing, type Reply, type Sending, type Wire } from '../outgoing.ts';
import { formatTashkent } from '../page.ts';
import type { Surroundings } from '../surroundings.ts';
import { parseLossless } from './json.ts';
import { type Signed, signRequest } from './sign.ts';
import type { PaymentRecord } from './world.ts';

const WRONG_SECRET = 'not-the-secret-of-this-service';

/** An answer of the application, judged. */
export type Answer =
  | { kind: 'accepted'; prepareId: string | null; confirmId: string | null; complaints: string[] }
  | { kind: 'refused'; error: number; note: string; prepareId: string | null; complaints: string[] }
  | { kind: 'unavailable' | 'malformed'; detail: string; complaints: string[] };

export type Called = { answer: Answer; step: SimProviderStep };

type Request = {
  action: 'Prepare' | 'Complete';
  error: number;
  note: string;
  isAnswerLost?: boolean;
};

/** Calls the application's SHOP API as Click's server does. */
export class MerchantClient {
  readonly #surroundings: Surroundings;
  readonly outgoing: Outgoing;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.outgoing = new Outgoing('click', surroundings);
  }

  /** One try. */
  async ask(payment: PaymentRecord, request: Request): Promise<Called> {
    const replies = await this.outgoing.send(this.#compose(payment, request));
    return this.#conclude(payment, request, replies, 1);
  }

  /** Tries until there is an answer. */
  async insist(payment: PaymentRecord, request: Request): Promise<Called> {
    const { replies, tries } = await this.outgoing.insist(this.#compose(payment, request), (all) =>
      all.some((reply) => judgeReply(payment, request.action, reply).kind !== 'unavailable'),
    );
    return this.#conclude(payment, request, replies, tries);
  }

  #compose(payment: PaymentRecord, request: Request): Sending {
    const { options, clock } = this.#surroundings;
    const compose = (bend: 'wrong_auth' | 'amount_changed' | null): Wire => {
      const signed: Signed = {
        click_trans_id: payment.click_trans_id,
        service_id: payment.service_id,
        merchant_trans_id: payment.merchant_trans_id,
        amount: bend === 'amount_changed' ? raise(payment.amount) : payment.amount,
        action: request.action === 'Prepare' ? '0' : '1',
        ...(request.action === 'Complete' ? { merchant_prepare_id: payment.merchant_prepare_id ?? '0' } : {}),
        sign_time: formatTashkent(clock.nowMs()),
      };
      const form = new URLSearchParams({
        click_trans_id: signed.click_trans_id,
        service_id: signed.service_id,
        click_paydoc_id: payment.click_paydoc_id,
        merchant_trans_id: signed.merchant_trans_id,
        ...(signed.merchant_prepare_id === undefined ? {} : { merchant_prepare_id: signed.merchant_prepare_id }),
        amount: signed.amount,
        action: signed.action,
        error: String(request.error),
        error_note: request.note,
        sign_time: signed.sign_time,
        sign_string: signRequest(signed, bend === 'wrong_auth' ? WRONG_SECRET : options.clickSecretKey),
      });
      return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: form.toString() };
    };
    return {
      name: request.action,
      compose,
      hasAmount: true,
      ...(request.isAnswerLost === undefined ? {} : { isAnswerLost: request.isAnswerLost }),
    };
  }

  #conclude(payment: PaymentRecord, request: Request, replies: readonly Reply[], tries: number): Called {
    const judged = replies.map((reply) => ({ reply, answer: judgeReply(payment, request.action, reply) }));
    // Of two at the same moment one is a repeat, which may rightly be refused with -4.
    const best =
      judged.find(({ answer }) => answer.kind === 'accepted') ??
      judged.find(({ answer }) => answer.kind !== 'unavailable') ??
      judged[0];
    const { answer, reply } = best as (typeof judged)[number];
    const note = answer.kind === 'unavailable' || answer.kind === 'malformed' ? answer.detail : null;
    return {
      answer,
      step: {
        atMs: this.#surroundings.clock.nowMs(),
        name: request.error < 0 ? `${request.action} (error ${request.error})` : request.action,
        is_repeat: false,
        tries,
        outcome: answer.kind,
        ...(reply.kind === 'answered' ? { answer: parseLossless(reply.body) ?? reply.body } : {}),
        ...(note === null ? {} : { note }),
      },
    };
  }
}

/** The amount an attacker would write into the link: one so'm more. */
function raise(amount: string): string {
  return amount.replace(/^\d+/, (whole) => String(BigInt(whole) + 1n));
}

function judgeReply(payment: PaymentRecord, action: Request['action'], reply: Reply): Answer {
  if (reply.kind === 'no_answer') return { kind: 'unavailable', detail: reply.message, complaints: [] };
  if (reply.status !== 200)
    return { kind: 'unavailable', detail: `HTTP ${reply.status} instead of 200`, complaints: [] };
  const body = parseLossless(reply.body);
  if (body === null) return { kind: 'malformed', detail: 'the answer is not a JSON object', complaints: [] };
  const error = body['error'];
  if (typeof error !== 'number' || !Number.isInteger(error)) {
    return { kind: 'malformed', detail: 'error must be an integer', complaints: [] };
  }
  const complaints = typeof body['error_note'] === 'string' ? [] : [`${action}: error_note is missing`];
  const prepareId = readId(body['merchant_prepare_id']);
  if (error !== 0) {
    return { kind: 'refused', error, note: String(body['error_note'] ?? ''), prepareId, complaints };
  }
  for (const field of ['click_trans_id', 'merchant_trans_id'] as const) {
    if (String(body[field]) !== payment[field]) {
      complaints.push(`${action}: ${field} came back as ${String(body[field])}, not ${payment[field]}`);
    }
  }
  if (action === 'Prepare' && prepareId === null) {
    return { kind: 'malformed', detail: 'merchant_prepare_id is missing', complaints };
  }
  return { kind: 'accepted', prepareId, confirmId: readId(body['merchant_confirm_id']), complaints };
}

function readId(value: unknown): string | null {
  return (typeof value === 'number' || typeof value === 'string') && /^\d+$/.test(String(value)) ? String(value) : null;
}
