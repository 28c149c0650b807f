import { z } from '@hono/zod-openapi';
import { actorRef, type Ctx } from '#domain/context/context.ts';
import type { Language } from '#domain/identity/rules.ts';
import { readReceiptLink } from '#domain/payment/receipt-link.ts';
import { printReceipt } from '../print-receipt.ts';
import { showReceipt } from '../show.ts';
import { asSystem } from './person.ts';
import { defineDownload, type FileReply, PUBLIC, type Route } from './route.ts';
import { IdText } from './schemas.ts';

const PDF = 'application/pdf';

async function receiptOf(
  ctx: Ctx,
  { caller, language, paymentId }: { paymentId: string; language: Language; caller: string },
): Promise<Omit<FileReply, 'contentType'>> {
  const view = await showReceipt(ctx, paymentId, language);
  return { ...(await printReceipt(view, language, caller)), name: `hoshi-${view.id}.pdf` };
}

const receiptRoute = defineDownload({
  path: '/api/v1/payment/payments/{id}/receipt',
  access: { kind: 'person', scope: 'payments:read' },
  tag: 'Payments',
  summary: 'The receipt of a payment (pay_…) as a PDF, in the language of the request',
  description: 'It names no person.',
  params: z.object({ id: IdText }),
  contentType: PDF,
  refusals: [404, 503],
  run: ({ ctx, params, language }) => receiptOf(ctx, { paymentId: params.id, language, caller: actorRef(ctx.actor) }),
});

const linkRoute = defineDownload({
  path: '/api/v1/receipts/{token}',
  access: PUBLIC,
  tag: 'Payments',
  summary: 'The receipt that a link of the Mini App opens for five minutes, as a PDF',
  description: 'For whoever has the link, in the language it was made in.',
  params: z.object({ token: z.string().regex(/^[A-Za-z0-9_.-]{1,1000}$/) }),
  contentType: PDF,
  refusals: [404, 503],
  run: async ({ ctx, params }) => {
    const { language, paymentId } = await readReceiptLink(ctx, params.token);
    return receiptOf(asSystem(ctx), { paymentId, language, caller: paymentId });
  },
});

/** Receipts to keep. */
export const receiptRoutes: ReadonlyArray<Route> = [receiptRoute, linkRoute];
