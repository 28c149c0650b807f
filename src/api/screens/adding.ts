import { z } from 'zod';
import { Language } from '#domain/identity/rules.ts';
import { finishOpenAdding, openAdding } from '#domain/payment-method/open-adding.ts';
import { IdInput, publicProcedure, router } from '../trpc.ts';
import type { OpenAddingView } from '../views.ts';
import { CodeInput, SecretInput, TokenInput } from './methods.ts';

const GetInput = z.strictObject({ methodId: IdInput, language: Language });
const ConfirmInput = z.strictObject({
  methodId: IdInput,
  language: Language,
  token: TokenInput.nullable(),
  code: CodeInput.optional(),
  secret: SecretInput,
  back: SecretInput.optional(),
});

/** Adding a payment method in a browser, for whoever holds its link; nobody is signed in there. */
export const addingRouter = router({
  get: publicProcedure.input(GetInput).query(({ ctx: context, input }): Promise<OpenAddingView> => {
    context.language = input.language;
    return openAdding(context.ctx, input.methodId);
  }),

  confirm: publicProcedure.input(ConfirmInput).mutation(({ ctx: context, input }): Promise<OpenAddingView> => {
    context.language = input.language;
    const { back = null, code = null, methodId, secret, token } = input;
    return finishOpenAdding(context.ctx, { methodId, token, code, secret, back });
  }),
});
