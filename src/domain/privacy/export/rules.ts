/**
 * Why a copy of somebody's data is not sent. `time`: it is tried again by itself; `asked`: its owner may ask for another.
 */
export const EXPORT_OBSTACLES = {
  /** Telegram asks to wait. */
  flood: 'time',
  /** Nothing could be sent: Telegram does not answer. */
  telegram_unavailable: 'time',
  /** The person blocked the bot or never began a chat with it. */
  unreachable: 'asked',
  /** It was sent, and no answer came: nobody knows whether it arrived. */
  unknown: 'asked',
  /** A process died while it sent it. */
  interrupted: 'asked',
  /** Some of its documents arrived, and the rest could not be sent. */
  incomplete: 'asked',
  /** Telegram refused it. */
  refused: 'asked',
  /** Telegram did not answer for a day. */
  given_up: 'asked',
} as const satisfies Record<string, 'time' | 'asked'>;
export type ExportObstacle = keyof typeof EXPORT_OBSTACLES;
/** With these its work ends. */
export type ExportFailure = {
  [Name in ExportObstacle]: (typeof EXPORT_OBSTACLES)[Name] extends 'asked' ? Name : never;
}[ExportObstacle];
export type ExportDelay = Exclude<ExportObstacle, ExportFailure>;

/** What a mark in the database says; null for none, and for the mark of sending. */
export function exportObstacle(mark: string | null): ExportObstacle | null {
  return (Object.keys(EXPORT_OBSTACLES) as ExportObstacle[]).find((known) => known === mark) ?? null;
}

/** How often a person may ask within a day, and how long one is tried. */
export const MAX_EXPORTS_A_DAY = 3;
export const DAY_MS = 86_400_000;

/** Milliseconds until another may be asked for, 0: now. `asked`: when the last ones were asked for, newest first. */
export function exportWaitMs(asked: ReadonlyArray<Date>, now: Date): number {
  const oldest = asked[MAX_EXPORTS_A_DAY - 1];
  return oldest ? Math.max(0, oldest.getTime() + DAY_MS - now.getTime()) : 0;
}

/** Percent of the steps that are done; 100 only once all are. */
export function percentOf(done: number, all: number): number {
  if (done >= all) return 100;
  return Math.min(99, Math.floor((done * 100) / all));
}
