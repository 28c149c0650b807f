import { z } from '@hono/zod-openapi';
import { findExport, requestExport } from '#domain/privacy/export/request.ts';
import { EXPORT_OBSTACLES, type ExportObstacle, exportObstacle } from '#domain/privacy/export/rules.ts';
import type { DataExport } from '#lib/generated/prisma/client.ts';
import { callerOf } from './person.ts';
import { defineRoute, type Route, SESSION } from './route.ts';
import { Instant, Success } from './schemas.ts';

const ExportResource = z
  .object({
    export_id: z.string().openapi({ example: 'exp_01kahw9d6xq3v7c0mtz8b5r2ny' }),
    status: z.enum(['requested', 'running', 'sent', 'failed']),
    progress: z.number().int().openapi({ description: 'Percent' }),
    obstacle: z
      .enum(Object.keys(EXPORT_OBSTACLES) as [ExportObstacle, ...ExportObstacle[]])
      .nullable()
      .openapi({ description: 'Why it is not sent (yet)' }),
    documents: z.number().int().openapi({ description: 'How many were sent to the chat' }),
    sha256: z.string().nullable().openapi({ description: 'Of the bytes of its documents, one after the other' }),
    created_at: Instant,
    completed_at: Instant.nullable(),
  })
  .openapi('DataExport');

const AskedExport = z.object({ success: Success, export: ExportResource }).openapi('AskedDataExport');
const LatestExport = z
  .object({ success: Success, export: z.union([ExportResource, z.null()]) })
  .openapi('LatestDataExport');

function exportResource(row: DataExport): z.input<typeof ExportResource> {
  return {
    export_id: row.id,
    status: row.status,
    progress: row.progress,
    obstacle: exportObstacle(row.obstacle),
    documents: row.parts,
    sha256: row.sha256 && Buffer.from(row.sha256).toString('hex'),
    created_at: row.createdAt.toISOString(),
    completed_at: row.completedAt?.toISOString() ?? null,
  };
}

const tag = 'Privacy';
const path = '/api/v1/privacy/export';

const askRoute = defineRoute({
  method: 'post',
  path,
  access: SESSION,
  tag,
  summary: 'Ask for a copy of everything that is kept of the caller',
  description:
    'The bot sends it as ZIP files to their chat; nothing of it is answered here or kept. While one is under way, that one is answered. At most 3 a day.',
  body: z.strictObject({}),
  answer: { status: 202, description: 'It is under way', schema: AskedExport },
  refusals: [429],
  run: async ({ ctx }) => ({
    success: true as const,
    export: exportResource(await requestExport(ctx, callerOf(ctx))),
  }),
});

const latestRoute = defineRoute({
  method: 'get',
  path,
  access: SESSION,
  tag,
  summary: 'What has become of the copy that the caller asked for last',
  answer: { status: 200, description: 'Null when they never asked, or a month after it ended', schema: LatestExport },
  run: async ({ ctx }) => {
    const latest = await findExport(ctx, callerOf(ctx));
    return { success: true as const, export: latest && exportResource(latest) };
  },
});

/** Copies of a person's data. For their own session alone. */
export const exportRoutes: ReadonlyArray<Route> = [askRoute, latestRoute];
