import { z } from '@hono/zod-openapi';
import type { ChainHead } from '#domain/audit/chain.ts';
import { getAuditHead } from '#domain/audit/heads.ts';
import { MAX_FINDINGS, verifyAudit } from '#domain/audit/verify.ts';
import { defineRoute, type Route } from './route.ts';
import { Instant, Success } from './schemas.ts';

const MAX_LINKS = 50_000;
const DEFAULT_LINKS = 20_000;

const Position = z.string().openapi({ description: 'Place in the chain, from 1, without a gap', example: '4711' });
const HEAD_FIELDS = {
  position: Position,
  hash: z.string().openapi({ description: 'SHA-256, 64 hex digits', example: '9f86d081884c7d65…' }),
};
const Head = z
  .object(HEAD_FIELDS)
  .nullable()
  .openapi({ description: 'Where the chain stands; null while it is empty' });

const headFields = ({ hash, position }: ChainHead) => ({ position: position.toString(), hash: hash.toString('hex') });

const Verification = z
  .object({
    success: Success,
    ok: z.boolean().openapi({ description: 'Nothing was found in this part' }),
    checked: z.number().int().openapi({ description: 'Links that were read' }),
    signatures: z.number().int().openapi({ description: 'Signed heads that were read' }),
    head: Head,
    findings: z
      .array(z.object({ position: Position, kind: z.enum(['altered', 'missing', 'inserted', 'moved', 'signature']) }))
      .openapi({ description: `At most ${MAX_FINDINGS}; more are not looked for` }),
    next_cursor: z.string().nullable(),
  })
  .openapi('AuditVerification');

const verifyRoute = defineRoute({
  method: 'get',
  path: '/api/v1/audit/verify',
  access: { kind: 'server', scope: 'audit:read' },
  tag: 'Audit',
  summary: 'Whether the audit log is as it was written',
  description:
    'Computes the chain again, part by part: go on with next_cursor until it is null. The whole at once is `npm run audit:verify`.',
  query: z.object({
    cursor: z
      .string()
      .regex(/^\d{1,18}$/)
      .default('0')
      .openapi({
        description: 'next_cursor of the part before; any position will do, what stands before it is not read',
      }),
    limit: z.coerce.number().int().min(1).max(MAX_LINKS).default(DEFAULT_LINKS),
  }),
  answer: { status: 200, description: 'What was read and what was found', schema: Verification },
  run: async ({ ctx, query }) => {
    const report = await verifyAudit(ctx, { after: BigInt(query.cursor), limit: query.limit });
    return {
      success: true as const,
      ok: report.ok,
      checked: report.checked,
      signatures: report.signatures,
      head: report.head && headFields(report.head),
      findings: report.findings.map(({ kind, position }) => ({ position: position.toString(), kind })),
      next_cursor: report.next?.toString() ?? null,
    };
  },
});

const AuditHead = z
  .object({
    success: Success,
    head: Head,
    signed: z
      .object({
        day: z.string().openapi({ description: 'UTC', example: '2026-11-20' }),
        ...HEAD_FIELDS,
        signed_text: z.string().openapi({ example: 'hoshi audit 2026-11-20 4711 9f86d081884c7d65…' }),
        signature: z
          .string()
          .openapi({ description: 'Armoured detached OpenPGP signature of signed_text, as it stands' }),
        signed_by: z.string().nullable().openapi({
          description: 'Fingerprint of the key in public_key that made it: an earlier one, when it was replaced since',
        }),
        created_at: Instant,
      })
      .nullable()
      .openapi({ description: 'The last finished day; null until one is' }),
    public_key: z.string().openapi({
      description: 'Armoured OpenPGP keys of this server in one block: the present one first, then earlier ones',
    }),
    fingerprint: z.string().openapi({ description: 'Of the present key' }),
  })
  .openapi('AuditHead');

const headRoute = defineRoute({
  method: 'get',
  path: '/api/v1/audit/head',
  access: { kind: 'server', scope: 'audit:read' },
  tag: 'Audit',
  summary: 'Where the audit log stands, signed: to be kept elsewhere',
  description:
    'A chain shows what was changed in it, but whoever has the database and the key can write it anew: a head that is kept outside shows that, too.',
  answer: { status: 200, description: 'The latest signed head and the keys to check it with', schema: AuditHead },
  run: async ({ ctx }) => {
    const { head, publicKeys, signed } = await getAuditHead(ctx);
    return {
      success: true as const,
      head: head && headFields(head),
      signed: signed && {
        day: signed.day,
        ...headFields(signed),
        signed_text: signed.text,
        signature: signed.signature,
        signed_by: signed.signedBy,
        created_at: signed.createdAt.toISOString(),
      },
      public_key: publicKeys.armored,
      fingerprint: publicKeys.fingerprint,
    };
  },
});

/** The proof that the audit log is whole. */
export const auditRoutes: ReadonlyArray<Route> = [verifyRoute, headRoute];
