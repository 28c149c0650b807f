import type { Ctx } from './context.ts';

/** The provider's message as the inbox keeps it; absent when reconciliation found the charge. `body` is sealed. */
export type InboxEntry = Readonly<{
  id: string;
  providerId: string;
  eventId: string;
  kind: string;
  receivedAt: Date;
  body: Uint8Array | null;
}>;

/** The inbox row as the hot-path functions take it. */
export function toInboxRow(inbox: InboxEntry) {
  return {
    id: inbox.id,
    provider: inbox.providerId,
    event_id: inbox.eventId,
    kind: inbox.kind,
    received_at: inbox.receivedAt.toISOString(),
    body: inbox.body ? Buffer.from(inbox.body).toString('base64') : null,
  };
}

/** Writes that a message was processed, in the transaction of `tx`; nothing when no message told of it. */
export async function closeInbox(tx: Ctx, inbox: InboxEntry | null, outcome: string): Promise<void> {
  if (!inbox) return;
  const row = JSON.stringify(toInboxRow(inbox));
  await tx.db.$executeRaw`SELECT write_webhook_event(${row}::jsonb, ${outcome})`;
}
