import { z } from 'zod';
import { OBSTACLES, type Obstacle, type RecordType } from '#domain/billing-record/rules.ts';
import type { Ctx } from '#domain/context/context.ts';
import { RETENTION } from '#domain/context/retention.ts';
import { dataKeyOf } from '#domain/identity/account.ts';
import { GROUP_OBSTACLES, type GroupObstacle } from '#domain/personal-log/rules.ts';
import { openBytes, sealBytes } from '#lib/crypto.ts';
import type { PersonalLog as LogRow } from '#lib/generated/prisma/client.ts';

/** A topic of a group. Of whom it is stands only under its owner's data key. */
export const LogGroup = z.object({ chatId: z.int(), topicId: z.int() });
export type LogGroup = z.infer<typeof LogGroup>;

/** Where a person's records go, and how. `group` null: to the chat with the bot. */
export type PersonalLog = Readonly<{
  group: LogGroup | null;
  obstacle: GroupObstacle | null;
  /** Tells one binding from the next. */
  boundAt: Date | null;
  isOn: boolean;
  isSilent: boolean;
  asDocument: boolean;
  keepDays: number;
}>;

/** The log of somebody who never chose anything. */
const PLAIN: PersonalLog = {
  group: null,
  obstacle: null,
  boundAt: null,
  isOn: true,
  isSilent: true,
  asDocument: false,
  keepDays: RETENTION.deliveredCopyDays,
};

/** A person's log. Throws `not_found user_not_found` once they were erased. */
export async function getLog(ctx: Ctx, userId: string): Promise<PersonalLog> {
  const row = await ctx.db.personalLog.findUnique({ where: { userId } });
  if (!row) return PLAIN;
  const { asDocument, boundAt, isOn, isSilent, keepDays } = row;
  const group =
    row.sealed && LogGroup.parse(JSON.parse(openBytes(await dataKeyOf(ctx, userId), row.sealed).toString()));
  return { group, obstacle: obstacleOf(row), boundAt, isOn, isSilent, asDocument, keepDays };
}

function obstacleOf({ obstacle }: LogRow): GroupObstacle | null {
  return GROUP_OBSTACLES.find((known) => known === obstacle) ?? null;
}

/** A group as it is kept: under its owner's data key. */
export async function sealGroup(ctx: Ctx, userId: string, group: LogGroup): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(sealBytes(await dataKeyOf(ctx, userId), Buffer.from(JSON.stringify(LogGroup.parse(group)))));
}

/** A record that waits until somebody does something. */
export type HeldRecord = Readonly<{ id: string; type: RecordType; createdAt: Date; obstacle: Obstacle }>;

/** What of a person's records has not arrived: how many wait for a key, are on their way, or are held, and which those are. */
export type Undelivered = Readonly<{
  withoutKey: number;
  onTheirWay: number;
  /** What keeps some of those that are on their way: it ends by itself. */
  delay: Obstacle | null;
  held: number;
  /** Newest first, at most `HELD_SHOWN`. */
  records: ReadonlyArray<HeldRecord>;
}>;

const HELD_SHOWN = 50;
const ALL = Object.keys(OBSTACLES) as Obstacle[];
const HELD = ALL.filter((obstacle) => OBSTACLES[obstacle] !== 'time');
const DELAYS = ALL.filter((obstacle) => OBSTACLES[obstacle] === 'time');

/** What of a person's records has not arrived yet, and why. */
export async function listUndelivered(ctx: Ctx, userId: string): Promise<Undelivered> {
  const [groups, rows] = await Promise.all([
    ctx.db.billingRecord.groupBy({
      by: ['status', 'obstacle'],
      where: { userId, status: { in: ['waiting', 'sealed'] } },
      _count: true,
    }),
    ctx.db.billingRecord.findMany({
      where: { userId, status: 'sealed', obstacle: { in: HELD } },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: HELD_SHOWN,
      select: { id: true, type: true, createdAt: true, obstacle: true },
    }),
  ]);
  const isHeld = (obstacle: string | null): obstacle is Obstacle => HELD.some((known) => known === obstacle);
  const sum = (isMeant: (group: { status: string; obstacle: string | null }) => boolean) =>
    groups.filter(isMeant).reduce((total, { _count }) => total + _count, 0);
  return {
    withoutKey: sum(({ status }) => status === 'waiting'),
    onTheirWay: sum(({ obstacle, status }) => status === 'sealed' && !isHeld(obstacle)),
    delay: DELAYS.find((delay) => sum(({ obstacle, status }) => status === 'sealed' && obstacle === delay) > 0) ?? null,
    held: sum(({ obstacle, status }) => status === 'sealed' && isHeld(obstacle)),
    records: rows.flatMap(({ obstacle, ...row }) => (isHeld(obstacle) ? [{ ...row, obstacle }] : [])),
  };
}
