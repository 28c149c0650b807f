import { z } from 'zod';
import { addMethod } from '#domain/payment-method/add.ts';
import { claimMethod } from '#domain/payment-method/claim.ts';
import { confirmMethod } from '#domain/payment-method/confirm.ts';
import { listMethods } from '#domain/payment-method/records.ts';
import { removeMethod } from '#domain/payment-method/remove.ts';
import { presentStoredMethod } from '../present.ts';
import { presentAdding, storingProviders } from '../present-method.ts';
import { isCardNumber } from '../rest/card-data.ts';
import { IdInput, personProcedure, router } from '../trpc.ts';

const AddInput = z.strictObject({ provider: IdInput });
const MethodInput = z.strictObject({ methodId: IdInput });

/** What a provider's client got for a card: never the card itself. */
export const TokenInput = z
  .string()
  .min(1)
  .max(500)
  .refine((token) => !isCardNumber(token));
/** The code of a provider's SMS. */
export const CodeInput = z.string().regex(/^[0-9]{3,10}$/);
/** A secret of 16 random bytes that a browser made. */
export const SecretInput = z.string().regex(/^[\w-]{22}$/);
const ConfirmInput = z.strictObject({
  methodId: IdInput,
  token: TokenInput.optional(),
  code: CodeInput.optional(),
});
const ClaimInput = z.strictObject({ methodId: IdInput, secret: SecretInput });

/** Stored payment methods: what their providers keep for the person. */
export const methodsRouter = router({
  list: personProcedure.query(async ({ ctx: { ctx, user, language } }) => {
    const methods = await listMethods(ctx, user.id);
    return methods.map((method) => presentStoredMethod(method, language));
  }),

  providers: personProcedure.query(({ ctx: { ctx } }) => storingProviders(ctx)),

  add: personProcedure.input(AddInput).mutation(async ({ ctx: { ctx, user, language }, input }) => {
    const adding = await addMethod(ctx, { userId: user.id, providerId: input.provider, language });
    return presentAdding(ctx, adding);
  }),

  confirm: personProcedure.input(ConfirmInput).mutation(async ({ ctx: { ctx, language }, input }) => {
    const { code = null, methodId, token = null } = input;
    const method = await confirmMethod(ctx, { methodId, token, code });
    return method && presentStoredMethod(method, language);
  }),

  claim: personProcedure
    .input(ClaimInput)
    .mutation(async ({ ctx: { ctx, language }, input }) =>
      presentStoredMethod(await claimMethod(ctx, input), language),
    ),

  remove: personProcedure.input(MethodInput).mutation(async ({ ctx: { ctx }, input }) => {
    await removeMethod(ctx, input.methodId);
    return { isRemoved: true as const };
  }),
});
