import { z } from 'zod';
import { listPaymentRecords } from '#domain/payment/list-records.ts';
import { MAX_PAGE } from '#domain/payment/records.ts';
import { publicKeysOf } from '#lib/openpgp.ts';
import type { PaymentRecordsView, SigningKeyView } from '../privacy-views.ts';
import { IdInput, personProcedure, router } from '../trpc.ts';

const PaymentsInput = z.strictObject({ paymentIds: z.array(IdInput).min(1).max(MAX_PAGE) });

/** A person's billing records as they lie here, encrypted: what they say is read on the person's device. */
export const recordsRouter = router({
  forPayments: personProcedure
    .input(PaymentsInput)
    .query(async ({ ctx: { ctx, user }, input }): Promise<PaymentRecordsView> => {
      const { isWhole, records } = await listPaymentRecords(ctx, { userId: user.id, paymentIds: input.paymentIds });
      return {
        records: records.map(({ ciphertext, ...record }) => ({
          ...record,
          ciphertext: ciphertext && Buffer.from(ciphertext).toString('base64'),
        })),
        isWhole,
      };
    }),

  signingKey: personProcedure.query(({ ctx: { ctx } }): SigningKeyView => {
    const { armored, fingerprint } = publicKeysOf(ctx.signer);
    return { publicKey: armored, fingerprint };
  }),
});
