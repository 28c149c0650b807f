import { z } from '@hono/zod-openapi';
import { checkEntitlement } from '#domain/entitlement/check.ts';
import { resolvePerson } from './person.ts';
import { defineRoute, type Route } from './route.ts';
import { IdText, Instant, Success } from './schemas.ts';

const EntitlementAnswer = z
  .object({
    success: Success,
    user_id: z.string(),
    product: z.string(),
    is_entitled: z.boolean(),
    plan: z.string().nullable().openapi({ description: 'Code of the plan', example: 'personal-pro' }),
    rank: z.number().int().openapi({ description: 'Order of the plan within the product' }),
    limits: z.record(z.string(), z.number().int()).openapi({ example: { channels: 5 } }),
    until: Instant.nullable().openapi({ description: 'Paid until; null without a right, or for good' }),
  })
  .openapi('Entitlement');

const entitlementRoute = defineRoute({
  method: 'get',
  path: '/api/v1/entitlements/{user_id}',
  access: { kind: 'person', scope: 'entitlements:read' },
  tag: 'Entitlements',
  summary: 'Whether a person may use a product now, and up to which limits',
  description: 'One query on an index: made to be asked before each use. A user id we do not know simply has no right.',
  params: z.object({ user_id: IdText.openapi({ description: 'Our user id or a Telegram user id' }) }),
  query: z.object({ product: IdText.openapi({ description: 'Code of the product', example: 'personal-log' }) }),
  answer: { status: 200, description: 'The right, or that there is none', schema: EntitlementAnswer },
  refusals: [404],
  run: async ({ ctx, params, query }) => {
    const isOurId = params.user_id.startsWith('usr_');
    const userId = isOurId
      ? params.user_id
      : (await resolvePerson(ctx, { user_id: params.user_id }, 'entitlements:read')).id;
    const right = await checkEntitlement(ctx, { userId, productCode: query.product });
    return {
      success: true as const,
      user_id: userId,
      product: query.product,
      is_entitled: right.isEntitled,
      plan: right.planCode,
      rank: right.rank,
      limits: { ...right.limits },
      until: right.until?.toISOString() ?? null,
    };
  },
});

/** What the operator's own servers ask on every use. */
export const entitlementRoutes: ReadonlyArray<Route> = [entitlementRoute];
