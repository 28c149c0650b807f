import type { OrderHint, Provider, ProviderReading, StoredMethods } from '#domain/provider/contract.ts';
import type { ProviderEvent } from '#domain/provider/event.ts';
import type { InquiryAnswer, ProviderInquiry, Reservation } from '#domain/provider/inquiry.ts';
import type { AskedOrder, KnownRefund, RefundRequest } from '#domain/provider/request.ts';
import type { Vault } from '#lib/vault.ts';

/**
 * `provider` as the rest of the house sees it: what it calls a charge, a checkout, a refund, a dispute or an event is concealed on
 * the way in and revealed on the way out. So a copy of the database opens no page and names nothing that could be asked for at a
 * provider, and nothing between has to think of it: a concealed id is found, compared and unique like the id itself. Addresses of
 * pages lead to the same and are concealed too; who shows one to its person reveals it. Our own ids, amounts and times are known on
 * both sides all the same.
 */
export function concealReferences(provider: Provider, vault: Pick<Vault, 'conceal' | 'reveal'>): Provider {
  const hide = orNull(vault.conceal);
  const show = orNull(vault.reveal);
  const { closeCheckout, find, listTransactions, setRenewal, storedMethods } = provider;
  return {
    ...provider,
    async createCheckout(request) {
      const { reference, url } = await provider.createCheckout(request);
      return { url: hide(url), reference: hide(reference) };
    },
    ...(closeCheckout && {
      closeCheckout: (checkout) => closeCheckout({ ...checkout, reference: show(checkout.reference) }),
    }),
    read: (request, now) => hideReading(provider.read(request, now), hide),
    readStored: (body, receivedAt) => hideReading(provider.readStored(body, receivedAt), hide),
    reply: (inquiry, answer) => provider.reply(mapInquiry(inquiry, show), mapAnswer(answer, show)),
    ...(find && { find: async (order) => (await find(mapOrder(order, show))).map((event) => mapEvent(event, hide)) }),
    ...(listTransactions && {
      async listTransactions(request) {
        const page = await listTransactions({ ...request, cursor: show(request.cursor) });
        const rows = page.rows.map(
          (row) => row && { ...row, chargeId: hide(row.chargeId), reference: hide(row.reference) },
        );
        return { rows, next: hide(page.next), resume: hide(page.resume) };
      },
    }),
    async refund(request) {
      const { claimUrl, reference, status } = await provider.refund(mapRefund(request, show));
      return { status, reference: hide(reference), claimUrl: hide(claimUrl) };
    },
    ...(storedMethods && { storedMethods: concealMethods(storedMethods, { hide, show }) }),
    ...(setRenewal && { setRenewal: (asked) => setRenewal({ ...asked, chargeId: show(asked.chargeId) }) }),
  };
}

/** The same of all of them. */
export function concealAll(
  providers: ReadonlyMap<string, Provider>,
  vault: Pick<Vault, 'conceal' | 'reveal'>,
): ReadonlyMap<string, Provider> {
  return new Map([...providers].map(([id, provider]) => [id, concealReferences(provider, vault)]));
}

/** What is done to each text of a provider's; null stays null. */
type Change = <Text extends string | null>(text: Text) => Text;

function orNull(change: (text: string) => string): Change {
  return <Text extends string | null>(text: Text) => (text === null ? text : change(text)) as Text;
}

function concealMethods(methods: StoredMethods, { hide, show }: { hide: Change; show: Change }): StoredMethods {
  return {
    ...methods,
    async begin(request) {
      const begun = await methods.begin(request);
      return { ...begun, reference: hide(begun.reference) };
    },
    confirm: (answer) => methods.confirm({ ...answer, reference: show(answer.reference) }),
  };
}

function hideReading(reading: ProviderReading, hide: Change): ProviderReading {
  switch (reading.kind) {
    case 'rejected':
      return reading;
    case 'ignored':
      return { ...reading, eventId: hide(reading.eventId) };
    case 'unreadable':
      return { ...reading, eventId: hide(reading.eventId) };
    case 'inquiry':
      return { ...reading, inquiry: mapInquiry(reading.inquiry, hide) };
    case 'event':
      return { ...reading, event: mapEvent(reading.event, hide) };
    case 'hint':
      return { ...reading, eventId: hide(reading.eventId), about: mapHint(reading.about, hide) };
  }
}

function mapHint(about: OrderHint, change: Change): OrderHint {
  const { chargeId, invoiceId, reference, refundReference = null } = about;
  return {
    invoiceId,
    reference: change(reference),
    chargeId: change(chargeId),
    refundReference: change(refundReference),
  };
}

function mapEvent(event: ProviderEvent, change: Change): ProviderEvent {
  const eventId = change(event.eventId);
  switch (event.type) {
    case 'subscription_changed':
      return { ...event, eventId };
    case 'payment_succeeded':
      return { ...event, eventId, chargeId: change(event.chargeId) };
    case 'payment_failed':
      return { ...event, eventId, chargeId: change(event.chargeId) };
    case 'payment_pending':
      return {
        ...event,
        eventId,
        chargeId: change(event.chargeId),
        instructionsUrl: change(event.instructionsUrl),
      };
    case 'refund_part_paid':
      return {
        ...event,
        eventId,
        chargeId: change(event.chargeId),
        reference: change(event.reference),
        part: change(event.part),
      };
    case 'payment_refunded':
    case 'refund_failed':
    case 'payment_disputed':
      return { ...event, eventId, chargeId: change(event.chargeId), reference: change(event.reference) };
  }
}

function mapInquiry(inquiry: ProviderInquiry, change: Change): ProviderInquiry {
  const inquiryId = change(inquiry.inquiryId);
  switch (inquiry.type) {
    case 'may_pay':
    case 'list':
      return { ...inquiry, inquiryId };
    case 'reserve':
      return { ...inquiry, inquiryId, chargeId: change(inquiry.chargeId), reference: change(inquiry.reference) };
    case 'capture':
    case 'release':
    case 'look_up':
      return { ...inquiry, inquiryId, chargeId: change(inquiry.chargeId) };
    case 'keep_receipt':
      return { ...inquiry, inquiryId, chargeId: change(inquiry.chargeId), receipt: change(inquiry.receipt) };
  }
}

function mapAnswer(answer: InquiryAnswer, change: Change): InquiryAnswer {
  const { reservation } = answer;
  const held = reservation && mapReservation(reservation, change);
  if (!answer.ok) return { ...answer, reservation: held };
  return {
    ...answer,
    reservation: held,
    reservations: answer.reservations.map((each) => mapReservation(each, change)),
  };
}

function mapReservation(reservation: Reservation, change: Change): Reservation {
  return { ...reservation, chargeId: change(reservation.chargeId) };
}

function mapOrder(order: AskedOrder, change: Change): AskedOrder {
  const { booked, chargeId, reference, refundReference, refunds, reservation } = order;
  return {
    ...order,
    reference: change(reference),
    chargeId: change(chargeId),
    ...(booked && { booked: booked.map((charge) => ({ ...charge, chargeId: change(charge.chargeId) })) }),
    ...(refunds && { refunds: refunds.map((refund) => mapKnown(refund, change)) }),
    ...(refundReference !== undefined && { refundReference: change(refundReference) }),
    reservation: reservation && {
      ...reservation,
      chargeId: change(reservation.chargeId),
      reference: change(reservation.reference),
    },
  };
}

function mapKnown(refund: KnownRefund, change: Change): KnownRefund {
  return { ...refund, chargeId: change(refund.chargeId), reference: change(refund.reference) };
}

function mapRefund(request: RefundRequest, change: Change): RefundRequest {
  return {
    ...request,
    chargeId: change(request.chargeId),
    reference: change(request.reference),
    known: request.known.map((refund) => mapKnown(refund, change)),
  };
}
