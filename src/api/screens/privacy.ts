import { z } from 'zod';
import { addKey } from '#domain/billing-key/add.ts';
import { proveKey } from '#domain/billing-key/prove.ts';
import { listKeys } from '#domain/billing-key/records.ts';
import { retireKey } from '#domain/billing-key/retire.ts';
import { getPlans } from '#domain/catalog/list-catalog.ts';
import { listConsents } from '#domain/privacy/consents.ts';
import { askErasure, cancelErasure } from '#domain/privacy/erasure/ask.ts';
import { findExport, requestExport } from '#domain/privacy/export/request.ts';
import { listSeen } from '#domain/privacy/seen.ts';
import { AGREEMENT } from '#messages/versions.ts';
import { presentInstant } from '../present.ts';
import { presentExportState } from '../present-export.ts';
import { presentKey } from '../present-key.ts';
import { plansSeen, presentSeen } from '../present-seen.ts';
import type { AgreementsView } from '../privacy-views.ts';
import { showErasure } from '../show-erasure.ts';
import { IdInput, personProcedure, router } from '../trpc.ts';

const AddInput = z.strictObject({ publicKey: z.string() });
const ProveInput = z.strictObject({ keyId: IdInput, code: z.string().min(1).max(40) });
const WordInput = z.strictObject({ word: z.string().max(40) });
const KeyInput = z.strictObject({ keyId: IdInput });

/** The privacy centre: a person's keys, what the server has of them, a copy of it, what they agreed to, and having all erased. */
export const privacyRouter = router({
  keys: personProcedure.query(async ({ ctx: { ctx, user, language } }) => {
    const keys = await listKeys(ctx, user.id);
    return { keys: keys.map((key) => presentKey(key, language)), now: ctx.clock.now().toISOString() };
  }),

  addKey: personProcedure.input(AddInput).mutation(async ({ ctx: { ctx, user, language }, input }) => {
    const { key, outcome } = await addKey(ctx, { userId: user.id, text: input.publicKey });
    return { outcome, key: presentKey(key, language) };
  }),

  proveKey: personProcedure
    .input(ProveInput)
    .mutation(async ({ ctx: { ctx, language }, input }) => presentKey(await proveKey(ctx, input), language)),

  seen: personProcedure.query(async ({ ctx: { ctx, user, language } }) => {
    const seen = await listSeen(ctx, user.id);
    return presentSeen(seen, await getPlans(ctx, plansSeen(seen)), language);
  }),

  export: personProcedure.query(async ({ ctx: { contact, ctx, language, user } }) =>
    presentExportState(await findExport(ctx, user.id), { contact, isReachable: user.isReachable, language }),
  ),

  requestExport: personProcedure.mutation(async ({ ctx: { contact, ctx, language, user } }) =>
    presentExportState(await requestExport(ctx, user.id), { contact, isReachable: user.isReachable, language }),
  ),

  erasure: personProcedure.query(({ ctx: reader }) => showErasure(reader)),

  askErasure: personProcedure.input(WordInput).mutation(async ({ ctx: reader, input }) => {
    const { ctx, language, user } = reader;
    await askErasure(ctx, { userId: user.id, typed: input.word, language });
    return showErasure(reader);
  }),

  cancelErasure: personProcedure.mutation(async ({ ctx: reader }) => {
    await cancelErasure(reader.ctx, reader.user.id);
    return showErasure(reader);
  }),

  agreements: personProcedure.query(async ({ ctx: { ctx, language, user } }): Promise<AgreementsView> => {
    const consents = await listConsents(ctx, user.id);
    return {
      given: consents.flatMap(({ givenAt, kind, surface, version }) =>
        givenAt
          ? [
              {
                kind,
                surface,
                version,
                givenAt: presentInstant(givenAt, language),
                isCurrent: AGREEMENT[kind] === version,
              },
            ]
          : [],
      ),
    };
  }),

  retireKey: personProcedure.input(KeyInput).mutation(async ({ ctx: { ctx }, input }) => {
    await retireKey(ctx, input.keyId);
    return { isRetired: true as const };
  }),
});
