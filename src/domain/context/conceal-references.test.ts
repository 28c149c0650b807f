import { describe, expect, it } from 'vitest';
import type { Provider } from '#domain/provider/contract.ts';
import { PLAIN_CHARGE, type ProviderEvent } from '#domain/provider/event.ts';
import type { ProviderInquiry } from '#domain/provider/inquiry.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import { concealReferences } from './conceal-references.ts';

const at = new Date('2026-11-20T10:00:00Z');
const price = { amount: 5n, currency: 'USD' } as const;
const told = { eventId: 'evt', occurredAt: at };
const charge = { invoiceId: 'inv_1', chargeId: 'ch', payerId: null, paid: price };

/** Every event there is: where a provider's own words stand in it, they are these. */
const EVENTS: ReadonlyArray<ProviderEvent> = [
  { ...told, ...charge, ...PLAIN_CHARGE, type: 'payment_succeeded' },
  {
    ...told,
    type: 'payment_pending',
    invoiceId: 'inv_1',
    chargeId: 'ch',
    price,
    progress: 'confirming',
    missing: null,
    instructionsUrl: 'https://p/how',
  },
  {
    ...told,
    type: 'payment_failed',
    invoiceId: 'inv_1',
    chargeId: 'ch',
    attemptId: 'att_1',
    failure: 'underpaid',
    isFinal: true,
  },
  { ...told, ...charge, type: 'payment_refunded', reference: 're', refundId: 'ref_1' },
  { ...told, type: 'refund_part_paid', chargeId: 'ch', reference: 're', refundId: 'ref_1', part: 'part', paid: price },
  {
    ...told,
    type: 'refund_failed',
    chargeId: 'ch',
    reference: 're',
    refundId: 'ref_1',
    code: 'expired',
    undoesDone: true,
  },
  { ...told, type: 'payment_disputed', chargeId: 'ch', reference: 're', status: 'open', amount: price, fee: 0n },
  { ...told, type: 'subscription_changed', invoiceId: 'inv_1', payerId: 1n, change: 'cancelled' },
];

const INQUIRIES: ReadonlyArray<ProviderInquiry> = [
  { type: 'may_pay', inquiryId: 'ask', invoiceId: 'inv_1', payerId: null, price, languageCode: 'ja' },
  { type: 'reserve', inquiryId: 'ask', chargeId: 'ch', reference: 're', invoiceId: 'inv_1', price, askedAt: at },
  { type: 'capture', inquiryId: 'ask', chargeId: 'ch', claim: null, isDebited: false },
  { type: 'release', inquiryId: 'ask', chargeId: 'ch', claim: null, code: 5, undoesPaid: true },
  { type: 'look_up', inquiryId: 'ask', chargeId: 'ch' },
  { type: 'list', inquiryId: 'ask', from: at, to: at },
  { type: 'keep_receipt', inquiryId: 'ask', chargeId: 'ch', side: 'charge', receipt: '{"url":1}' },
];

/** Words of a provider, in all that is handed over by it. */
const WORDS = ['evt', 'ch', 're', 'part', 'ask', 'https://p/how', '{"url":1}', 'page 2', 'end', 'https://p/x', 'tok'];
/** The same value with the words concealed, or revealed: what the border has to make of it. */
const whole =
  (change: (word: string) => string) =>
  (value: unknown): unknown => {
    if (typeof value === 'string') return change(value);
    if (Array.isArray(value)) return value.map(whole(change));
    if (value === null || typeof value !== 'object' || value instanceof Date) return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, whole(change)(part)]));
  };
const concealed = whole((word) => (WORDS.includes(word) ? TEST_VAULT.conceal(word) : word));

/** A provider that remembers what it was given, and answers with `answer`. */
function border(answer: unknown = undefined) {
  const given: unknown[] = [];
  const hear =
    () =>
    (...parts: unknown[]) => {
      given.push(parts);
      return answer;
    };
  const hearLater =
    () =>
    async (...parts: unknown[]) => {
      given.push(parts);
      return answer;
    };
  const provider = {
    id: 'p',
    accepts: [],
    refunds: 'parts',
    createCheckout: hearLater(),
    closeCheckout: hearLater(),
    read: hear(),
    readStored: hear(),
    reply: hear(),
    find: hearLater(),
    listTransactions: hearLater(),
    refund: hearLater(),
    setRenewal: hearLater(),
    storedMethods: {
      method: 'credit_card',
      currencies: ['USD'],
      begin: hearLater(),
      confirm: hearLater(),
      remove: hearLater(),
    },
  } as unknown as Provider;
  return { provider: concealReferences(provider, TEST_VAULT), given };
}

const request = { method: 'POST', headers: {}, body: Buffer.from('x'), remoteAddress: null };

describe('what comes in is concealed', () => {
  it.each(EVENTS.map((event) => [event.type, event] as const))('event %s', async (_type, event) => {
    const reading = { kind: 'event', event };
    expect(border(reading).provider.read(request, at)).toEqual(concealed(reading));
    expect(border(reading).provider.readStored(request.body, at)).toEqual(concealed(reading));
    expect(await border([event]).provider.find?.(ORDER)).toEqual([concealed(event)]);
  });

  it.each(INQUIRIES.map((inquiry) => [inquiry.type, inquiry] as const))('question %s', (_type, inquiry) => {
    const reading = { kind: 'inquiry', inquiry };
    expect(border(reading).provider.read(request, at)).toEqual(concealed(reading));
  });

  it.each([
    { kind: 'rejected', reason: 'webhook_secret_wrong', reply: null },
    { kind: 'ignored', type: 'x', eventId: 'evt', message: { text: 'ch' } },
    { kind: 'ignored', type: 'x', eventId: null, message: null },
    { kind: 'unreadable', type: 'x', eventId: 'evt' },
    {
      kind: 'hint',
      type: 'x',
      eventId: 'evt',
      about: { invoiceId: 'inv_1', reference: 're', chargeId: 'ch', refundReference: 'part' },
    },
  ])('reading $kind', (reading) => {
    const expected = concealed(reading) as { message?: unknown };
    // A message for the bot is handed on as it came.
    if ('message' in reading) expected.message = reading.message;
    expect(border(reading).provider.read(request, at)).toEqual(expected);
  });

  it('checkouts, refunds, lists and begun cards', async () => {
    const link = { url: 'https://p/x', reference: 're' };
    expect(await border(link).provider.createCheckout({} as never)).toEqual(concealed(link));
    expect(await border({ url: null, reference: null }).provider.createCheckout({} as never)).toEqual({
      url: null,
      reference: null,
    });
    const done = { status: 'pending', reference: 're', claimUrl: 'https://p/x' };
    expect(await border(done).provider.refund(REFUND)).toEqual(concealed(done));
    const row = { chargeId: 'ch', reference: 're', direction: 'refund', amount: price, occurredAt: at };
    const page = { rows: [row, null], next: 'page 2', resume: 'end' };
    expect(await border(page).provider.listTransactions?.({ since: at, cursor: null, limit: 1 })).toEqual(
      concealed(page),
    );
    const begun = { url: null, reference: 're', client: null };
    expect(await border(begun).provider.storedMethods?.begin({} as never)).toEqual(concealed(begun));
  });
});

const ORDER = {
  invoiceId: 'inv_1',
  reference: 're',
  chargeId: 'ch',
  createdAt: at,
  booked: [{ chargeId: 'ch', amount: 5n, goesBackInParts: false, isDisputed: false }],
  refunds: [
    { refundId: 'ref_1', chargeId: 'ch', reference: 're', status: 'requested', amount: 1n, isUnsure: true } as const,
  ],
  refundReference: 'part',
  reservation: { chargeId: 'ch', reference: 're', price },
};
const REFUND = {
  refundId: 'ref_1',
  chargeId: 'ch',
  reference: 're',
  invoiceId: 'inv_1',
  payerId: null,
  amount: price,
  isWhole: true,
  isRepeat: false,
  known: ORDER.refunds,
  paidAt: at,
};

describe('what goes out is revealed', () => {
  const plain = { rows: [], next: null, resume: null, status: 'done', reference: null, claimUrl: null };
  const given = async (ask: (provider: Provider) => unknown, answer: unknown = plain) => {
    const { provider, given: heard } = border(answer);
    await ask(provider);
    return heard;
  };

  it('orders, refunds, places in a list, checkouts, subscriptions and cards', async () => {
    expect(await given(({ find }) => find?.(concealed(ORDER) as never), [])).toEqual([[ORDER]]);
    const bare = { ...ORDER, booked: undefined, refunds: undefined, refundReference: undefined, reservation: null };
    expect(await given(({ find }) => find?.(bare as never), [])).toEqual([[bare]]);
    expect(await given(({ refund }) => refund(concealed(REFUND) as never))).toEqual([[REFUND]]);
    const page = { since: at, cursor: 'page 2', limit: 5 };
    expect(await given(({ listTransactions }) => listTransactions?.(concealed(page) as never))).toEqual([[page]]);
    const open = { reference: 're', voidsTransfer: true };
    expect(await given(({ closeCheckout }) => closeCheckout?.(concealed(open) as never))).toEqual([[open]]);
    const subscription = { chargeId: 'ch', payerId: 1n, renews: false };
    expect(await given(({ setRenewal }) => setRenewal?.(concealed(subscription) as never))).toEqual([[subscription]]);
    const answer = { reference: 're', token: 'plain token', code: null };
    expect(await given(({ storedMethods }) => storedMethods?.confirm(concealed(answer) as never))).toEqual([[answer]]);
  });

  it.each(INQUIRIES.map((inquiry) => [inquiry.type, inquiry] as const))('answers to %s', async (_type, inquiry) => {
    const held = { id: 'rsv_1', number: 1n, chargeId: 'ch', invoiceId: 'inv_1', price, status: 'paid' };
    for (const answer of [
      { ok: true, reservation: held, reservations: [held, held] },
      { ok: true, reservation: null, reservations: [] },
      { ok: false, reason: 'reservation_closed', text: 'no', reservation: held },
    ])
      expect(await given(({ reply }) => reply(concealed(inquiry) as never, concealed(answer) as never), null)).toEqual([
        [inquiry, answer],
      ]);
  });

  it('only where the provider can: what is absent stays absent', () => {
    const least = { id: 'p', accepts: [], refunds: 'none' } as unknown as Provider;
    const names = Object.keys(concealReferences(least, TEST_VAULT));
    for (const absent of ['closeCheckout', 'find', 'listTransactions', 'storedMethods', 'setRenewal'])
      expect(names).not.toContain(absent);
  });
});
