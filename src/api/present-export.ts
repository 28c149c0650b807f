import type { Language } from '#domain/identity/rules.ts';
import { exportObstacle } from '#domain/privacy/export/rules.ts';
import type { DataExport } from '#lib/generated/prisma/client.ts';
import { botLink } from '#messages/telegram.ts';
import { type Contact, presentInstant, presentInstantOrNull } from './present.ts';
import type { DataExportView, ExportStateView } from './privacy-views.ts';

/** The copy a person asked for last, and whether it can reach them. */
export function presentExportState(
  latest: DataExport | null,
  { contact, isReachable, language }: { contact: Contact; isReachable: boolean; language: Language },
): ExportStateView {
  return {
    latest: latest && presentExport(latest, language),
    isReachable,
    chatUrl: botLink(contact.botUsername, 'export'),
  };
}

function presentExport(row: DataExport, language: Language): DataExportView {
  return {
    id: row.id,
    status: row.status,
    progress: row.progress,
    obstacle: exportObstacle(row.obstacle),
    documents: row.parts,
    sha256: row.sha256 && Buffer.from(row.sha256).toString('hex'),
    createdAt: presentInstant(row.createdAt, language),
    completedAt: presentInstantOrNull(row.completedAt, language),
  };
}
