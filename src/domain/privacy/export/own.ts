import { openKey } from '#domain/billing-key/records.ts';
import { keyState } from '#domain/billing-key/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { openAccount } from '#domain/identity/account.ts';
import { getLog } from '#domain/personal-log/records.ts';
import type { ExportRow, ExportScope } from '#domain/privacy/export/books.ts';
import { readPages } from '#domain/privacy/export/pages.ts';
import { countOwnAudit } from '#domain/privacy/own-audit.ts';
import { openBytes } from '#lib/crypto.ts';
import type { BillingKey, BillingRecord } from '#lib/generated/prisma/client.ts';
import { armorMessage, armorPublicKey } from '#lib/openpgp.ts';

/** What a copy needs of its owner: where it is sent, in which language, and how much there is. Null once they were erased. */
export type ExportOwner = Readonly<{ telegramId: bigint; language: string; dataKey: Uint8Array; rows: number }>;

/** The owner of a copy. Null once they were erased. */
export async function findExportOwner(
  ctx: Ctx,
  { asOf, userId }: Omit<ExportScope, 'language'>,
): Promise<ExportOwner | null> {
  const user = await ctx.db.user.findUnique({ where: { id: userId }, select: { language: true, link: true } });
  if (!user?.link) return null;
  const [counted] = await ctx.db.$queryRaw<Array<{ rows: number }>>`
    SELECT ((SELECT count(*) FROM payment WHERE user_id = ${userId} AND created_at <= ${asOf})
      + (SELECT count(*) FROM invoice WHERE user_id = ${userId} AND created_at <= ${asOf})
      + (SELECT count(*) FROM payment WHERE developer_user_id = ${userId} AND created_at <= ${asOf})
      + (SELECT count(*) FROM subscription WHERE user_id = ${userId} AND created_at <= ${asOf})
      + (SELECT count(*) FROM billing_record WHERE user_id = ${userId} AND created_at <= ${asOf}))::int AS rows`;
  return {
    telegramId: openAccount(ctx, user.link),
    language: user.language,
    dataKey: ctx.vault.open(user.link.dataKey),
    rows: (counted?.rows ?? 0) + (await countOwnAudit(ctx, userId)),
  };
}

/** The account itself, with where its records go. */
export async function readAccount(ctx: Ctx, userId: string, telegramId: bigint) {
  const [user, log] = await Promise.all([
    ctx.db.user.findUniqueOrThrow({ where: { id: userId } }),
    getLog(ctx, userId),
  ]);
  return {
    user_id: user.id,
    telegram_id: telegramId.toString(),
    role: user.role,
    language: user.language,
    language_is_chosen: user.hasChosenLanguage,
    bot_may_write: user.isReachable,
    wants_reminders: user.wantsReminders,
    wants_sales_notices: user.wantsSalesNotices,
    created_at: user.createdAt.toISOString(),
    personal_log: {
      group: log.group && { chat_id: log.group.chatId.toString(), topic_id: log.group.topicId.toString() },
      bound_at: log.boundAt?.toISOString() ?? null,
      is_on: log.isOn,
      is_silent: log.isSilent,
      as_document: log.asDocument,
      keep_days: log.keepDays,
    },
  };
}

/** A file of its own, and what the list says of it. */
export type ExportFile = Readonly<{ name: string; text: string }>;
export type FiledRow = Readonly<{ row: ExportRow; file: ExportFile | null }>;

const KEYS_PAGE = 50;
const RECORDS_PAGE = 100;
const madeAt = ({ createdAt }: { createdAt: Date }) => createdAt;

/** The public keys of a person, each as a file that OpenPGP programs import. */
export async function* readKeys(ctx: Ctx, scope: ExportScope, dataKey: Uint8Array): AsyncGenerator<FiledRow[]> {
  const { asOf, userId } = scope;
  const pages = readPages<BillingKey>(KEYS_PAGE, madeAt, (after, take) =>
    ctx.db.billingKey.findMany({
      where: { userId, createdAt: { lte: asOf }, id: { gt: after.id } },
      orderBy: { id: 'asc' },
      take,
    }),
  );
  for await (const rows of pages)
    yield rows.map((row) => {
      const { algorithm, fingerprint, publicKey, userIds } = openKey(row, dataKey);
      return {
        file: { name: `keys/${row.id}.asc`, text: armorPublicKey(Buffer.from(publicKey, 'base64')) },
        row: {
          key_id: row.id,
          state: keyState(row, asOf),
          fingerprint,
          names: userIds.join(', '),
          algorithm,
          created_at: row.createdAt.toISOString(),
          expires_at: row.expiresAt?.toISOString() ?? null,
          retired_at: row.retiredAt?.toISOString() ?? null,
        },
      };
    });
}

/**
 * A person's billing records, oldest first: the sealed ones as they are, which only their key opens, and those that wait for a key
 * in plain text, because the server can read them and they are its owner's.
 */
export async function* readRecords(ctx: Ctx, scope: ExportScope, dataKey: Uint8Array): AsyncGenerator<FiledRow[]> {
  const { asOf, userId } = scope;
  const pages = readPages<BillingRecord>(
    RECORDS_PAGE,
    madeAt,
    (after, take) =>
      ctx.db.$queryRaw<BillingRecord[]>`
      SELECT id, type::text, object_id AS "objectId", status::text, ciphertext, waiting, created_at AS "createdAt",
        delivered_at AS "deliveredAt", dropped_at AS "droppedAt"
      FROM billing_record
      WHERE user_id = ${userId} AND created_at <= ${asOf} AND (created_at, id) > (${after.at}, ${after.id})
      ORDER BY created_at, id LIMIT ${take}`,
  );
  for await (const rows of pages)
    yield rows.map((record) => ({
      file: fileOf(record, dataKey),
      row: {
        record_id: record.id,
        type: record.type,
        about: record.objectId,
        status: record.status,
        created_at: record.createdAt.toISOString(),
        delivered_at: record.deliveredAt?.toISOString() ?? null,
        copy_deleted_at: record.droppedAt?.toISOString() ?? null,
      },
    }));
}

function fileOf({ ciphertext, id, waiting }: BillingRecord, dataKey: Uint8Array): ExportFile | null {
  if (ciphertext) return { name: `records/${id}.asc`, text: armorMessage(ciphertext) };
  if (waiting) return { name: `records/waiting/${id}.json`, text: openBytes(dataKey, waiting).toString('utf8') };
  return null;
}
