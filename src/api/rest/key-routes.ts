import { z } from '@hono/zod-openapi';
import { addKey } from '#domain/billing-key/add.ts';
import { proveKey } from '#domain/billing-key/prove.ts';
import { listKeys, type OwnKey } from '#domain/billing-key/records.ts';
import { retireKey } from '#domain/billing-key/retire.ts';
import { KEY_STATES } from '#domain/billing-key/rules.ts';
import { callerOf } from './person.ts';
import { defineRoute, type Route, SESSION } from './route.ts';
import { IdText, Instant, Success } from './schemas.ts';

const State = z.enum(KEY_STATES).openapi({
  description:
    'unproven: the code has not been entered; expiring: in use, ends within 30 days; expired: nothing is encrypted to it',
});
const KeyId = z.string().openapi({ example: 'bky_01kahw9d6xq3v7c0mtz8b5r2ny' });
const Challenge = z.string().nullable().openapi({
  description: 'An armoured OpenPGP message that holds the code to enter; null when none is waited for',
});

const KeyResource = z
  .object({
    billing_key_id: KeyId,
    state: State,
    fingerprint: z.string().openapi({ example: '9F6165313267A6C4FDA1ABCB8EF170FFE35127A1' }),
    user_ids: z.array(z.string()),
    algorithm: z.string().openapi({ example: 'Curve25519' }),
    expires_at: Instant.nullable(),
    created_at: Instant,
    retired_at: Instant.nullable(),
    challenge: Challenge,
    tries_left: z.number().int(),
  })
  .openapi('BillingKey');

const KeyList = z.object({ success: Success, billing_keys: z.array(KeyResource) }).openapi('BillingKeyList');

/** The answer of a write may be kept for its repetition, so it says nothing of whose key it is: the list does. */
const KeyChange = z
  .object({ success: Success, billing_key_id: KeyId, state: State, expires_at: Instant.nullable() })
  .openapi('BillingKeyChange');

const AddedKey = z
  .object({
    ...KeyChange.shape,
    outcome: z.enum(['begun', 'updated', 'retired']).openapi({
      description:
        'begun: enter the code; updated: it was in use, and its new end holds; retired: this copy revokes it',
    }),
    challenge: Challenge,
  })
  .openapi('AddedBillingKey');

function keyResource(key: OwnKey): z.input<typeof KeyResource> {
  return {
    billing_key_id: key.id,
    state: key.state,
    fingerprint: key.fingerprint,
    user_ids: [...key.userIds],
    algorithm: key.algorithm,
    expires_at: key.expiresAt?.toISOString() ?? null,
    created_at: key.createdAt.toISOString(),
    retired_at: key.retiredAt?.toISOString() ?? null,
    challenge: key.message,
    tries_left: key.triesLeft,
  };
}

function keyChange({ expiresAt, id, state }: OwnKey) {
  return { success: true as const, billing_key_id: id, state, expires_at: expiresAt?.toISOString() ?? null };
}

const tag = 'Billing keys';

const listRoute = defineRoute({
  method: 'get',
  path: '/api/v1/billing-keys',
  access: SESSION,
  tag,
  summary: 'The OpenPGP keys to which the caller’s billing records are encrypted, newest first',
  answer: { status: 200, description: 'Also those to be proven, and those that were in use', schema: KeyList },
  run: async ({ ctx }) => ({
    success: true as const,
    billing_keys: (await listKeys(ctx, callerOf(ctx))).map(keyResource),
  }),
});

const addRoute = defineRoute({
  method: 'post',
  path: '/api/v1/billing-keys',
  access: SESSION,
  tag,
  summary: 'Add a public key',
  description:
    'It is used once the code in `challenge` was entered. The same key again brings its new end or its revocation. A private key is refused and nothing of it kept. At most 3 in use, and 5 begun a day.',
  body: z
    .strictObject({ public_key: z.string().openapi({ description: 'One armoured public key, at most 64 KiB' }) })
    .openapi('AddBillingKey'),
  answer: { status: 201, description: 'What became of it', schema: AddedKey },
  refusals: [412, 429],
  run: async ({ ctx, body }) => {
    const { key, outcome } = await addKey(ctx, { userId: callerOf(ctx), text: body.public_key });
    return { ...keyChange(key), outcome, challenge: key.message };
  },
});

const proveRoute = defineRoute({
  method: 'post',
  path: '/api/v1/billing-keys/{id}/prove',
  access: SESSION,
  tag,
  summary: 'Take a key into use with the code that was encrypted to it',
  params: z.object({ id: IdText }),
  body: z.strictObject({ code: z.string().min(1).max(40).openapi({ example: 'K7QM2ZP4' }) }).openapi('ProveBillingKey'),
  answer: { status: 200, description: 'It is in use', schema: KeyChange },
  refusals: [404, 412],
  run: async ({ ctx, params, body }) => keyChange(await proveKey(ctx, { keyId: params.id, code: body.code })),
});

const retireRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/billing-keys/{id}',
  access: SESSION,
  tag,
  summary: 'Take a key out of use',
  description: 'Nothing more is encrypted to it; what was stays readable with it. Doing so twice is fine.',
  params: z.object({ id: IdText }),
  body: z.strictObject({}),
  answer: {
    status: 200,
    description: 'It is out of use',
    schema: z.object({ success: Success, billing_key_id: KeyId }).openapi('RetiredBillingKey'),
  },
  refusals: [404],
  run: async ({ ctx, params }) => {
    await retireKey(ctx, params.id);
    return { success: true as const, billing_key_id: params.id };
  },
});

/** What a person's billing records are encrypted to. For their own session alone. */
export const keyRoutes: ReadonlyArray<Route> = [listRoute, addRoute, proveRoute, retireRoute];
