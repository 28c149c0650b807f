import { openKey } from '#domain/billing-key/records.ts';
import type { Ctx } from '#domain/context/context.ts';
import { requireSelf } from '#domain/context/permission.ts';
import { AppError } from '#domain/errors.ts';
import { openAccount } from '#domain/identity/account.ts';
import { getLog, type PersonalLog } from '#domain/personal-log/records.ts';
import { openCard } from '#domain/privacy/cards.ts';
import { seeOwnAudit } from '#domain/privacy/own-audit.ts';
import type { Subscription, User } from '#lib/generated/prisma/client.ts';

/** How many rows of a class there are, and from when to when. */
export type Span = Readonly<{ count: number; oldest: Date | null; newest: Date | null }>;

/** A sum per currency, in minor units. */
export type SeenTotal = Readonly<{ currency: string; paid: bigint; returned: bigint }>;

/** A payment as the books have it. */
export type SeenPayment = Readonly<{
  id: string;
  amount: bigint;
  currency: string;
  status: string;
  provider: string;
  charge_id: string;
  paid_at: Date;
}>;

/** Everything this server has of a person, counted in their own rows. */
export type Seen = Readonly<{
  user: User;
  /** The keyed hash by which their row is found, hexadecimal. */
  subject: string;
  /** As it lies encrypted. */
  telegramId: bigint;
  running: Readonly<{
    planIds: ReadonlyArray<string>;
    subscriptions: ReadonlyArray<Subscription & { planId: string }>;
  }>;
  payments: Span & Readonly<{ refunds: number; totals: ReadonlyArray<SeenTotal>; newestRow: SeenPayment | null }>;
  orders: Span & Readonly<{ paid: number }>;
  cards: Span & Readonly<{ shown: ReadonlyArray<{ brand: string; last4: string; provider: string }> }>;
  keys: Span & Readonly<{ fingerprints: ReadonlyArray<string> }>;
  sealed: Span & Readonly<{ bytes: bigint }>;
  waiting: Span & Readonly<{ bytes: bigint }>;
  log: PersonalLog;
  jobs: Span & Readonly<{ names: ReadonlyArray<string> }>;
  audit: Span & Readonly<{ isMore: boolean; actions: ReadonlyArray<string> }>;
  exports: Span;
  agreements: Span & Readonly<{ texts: ReadonlyArray<string> }>;
  /** Of everybody: those of one person cannot be found. */
  bodyDays: number;
}>;

const SHOWN = 5;
/** Audit rows are counted no further: their number is nothing that one has to know exactly. */
const AUDIT_COUNTED = 10_000;

/** What the server can see of a person, from the rows it has. Throws `not_found user_not_found` once they were erased. */
export async function listSeen(ctx: Ctx, userId: string): Promise<Seen> {
  requireSelf(ctx, userId);
  const user = await ctx.db.user.findUnique({ where: { id: userId }, include: { link: true } });
  if (!user?.link) throw new AppError('not_found', 'user_not_found');
  const { link, ...plain } = user;
  const dataKey = ctx.vault.open(link.dataKey);
  const [running, payments, orders, cards, keys, records, log, jobs, audit, exports, agreements] = await Promise.all([
    seeRunning(ctx, userId),
    seePayments(ctx, userId),
    seeOrders(ctx, userId),
    seeCards(ctx, userId),
    seeKeys(ctx, userId, dataKey),
    seeRecords(ctx, userId),
    getLog(ctx, userId),
    seeJobs(ctx, userId),
    seeAudit(ctx, userId),
    seeExports(ctx, userId),
    seeAgreements(ctx, userId),
  ]);
  const subject = Buffer.from(link.subject).toString('hex');
  const telegramId = openAccount(ctx, link);
  const bodyDays = ctx.policy.webhookBodyRetentionDays;
  return {
    user: plain,
    subject,
    telegramId,
    running,
    payments,
    orders,
    cards,
    keys,
    ...records,
    log,
    jobs,
    audit,
    exports,
    agreements,
    bodyDays,
  };
}

const NONE: Span = { count: 0, oldest: null, newest: null };

/** The rights and subscriptions that name their plan: those that run, and those that ended so lately that they still do. */
async function seeRunning(ctx: Ctx, userId: string): Promise<Seen['running']> {
  const [rights, subscriptions] = await Promise.all([
    ctx.db.entitlement.findMany({
      where: { userId },
      distinct: ['planId'],
      select: { planId: true },
      take: 50,
    }),
    ctx.db.subscription.findMany({
      where: { userId, planId: { not: null } },
      orderBy: { createdAt: 'desc' },
      take: 50,
    }),
  ]);
  const named = subscriptions.flatMap(({ planId, ...rest }) => (planId === null ? [] : [{ ...rest, planId }]));
  return { planIds: rights.map(({ planId }) => planId), subscriptions: named };
}

async function seePayments(ctx: Ctx, userId: string): Promise<Seen['payments']> {
  const [spans, totals, [newestRow]] = await Promise.all([
    ctx.db.$queryRaw<Array<Span & { refunds: number }>>`
      SELECT count(*)::int AS count, min(paid_at) AS oldest, max(paid_at) AS newest,
        (SELECT count(*)::int FROM refund r JOIN payment q ON q.id = r.payment_id WHERE q.user_id = ${userId}) AS refunds
      FROM payment WHERE user_id = ${userId}`,
    ctx.db.$queryRaw<SeenTotal[]>`
      SELECT currency, sum(amount)::bigint AS paid, sum(returned_amount)::bigint AS returned FROM payment
      WHERE user_id = ${userId} GROUP BY currency ORDER BY currency`,
    ctx.db.$queryRaw<SeenPayment[]>`
      SELECT id, amount, currency, status::text, provider, charge_id, paid_at FROM payment
      WHERE user_id = ${userId} ORDER BY paid_at DESC, id DESC LIMIT 1`,
  ]);
  return {
    ...(spans[0] ?? { ...NONE, refunds: 0 }),
    totals,
    newestRow: newestRow ? { ...newestRow, charge_id: ctx.vault.reveal(newestRow.charge_id) } : null,
  };
}

async function seeOrders(ctx: Ctx, userId: string): Promise<Seen['orders']> {
  const [found] = await ctx.db.$queryRaw<Array<Seen['orders']>>`
    SELECT count(*)::int AS count, min(created_at) AS oldest, max(created_at) AS newest,
      (count(*) FILTER (WHERE status = 'paid'))::int AS paid FROM invoice WHERE user_id = ${userId}`;
  return found ?? { ...NONE, paid: 0 };
}

async function seeCards(ctx: Ctx, userId: string): Promise<Seen['cards']> {
  const [[found], rows] = await Promise.all([
    ctx.db.$queryRaw<Span[]>`
      SELECT count(*)::int AS count, min(created_at) AS oldest, max(created_at) AS newest FROM payment_method
      WHERE user_id = ${userId} AND sealed IS NOT NULL`,
    ctx.db.paymentMethod.findMany({ where: { userId, status: 'active' }, orderBy: { createdAt: 'desc' }, take: SHOWN }),
  ]);
  const shown = rows.flatMap((row) => {
    const card = openCard(ctx, row);
    return card ? [{ brand: card.brand, last4: card.last4, provider: row.provider }] : [];
  });
  return { ...(found ?? NONE), shown };
}

async function seeKeys(ctx: Ctx, userId: string, dataKey: Uint8Array): Promise<Seen['keys']> {
  const [[found], rows] = await Promise.all([
    ctx.db.$queryRaw<Span[]>`
      SELECT count(*)::int AS count, min(created_at) AS oldest, max(created_at) AS newest FROM billing_key WHERE user_id = ${userId}`,
    ctx.db.billingKey.findMany({ where: { userId }, orderBy: { createdAt: 'desc' }, take: SHOWN }),
  ]);
  return { ...(found ?? NONE), fingerprints: rows.map((row) => openKey(row, dataKey).fingerprint) };
}

type Records = Span & { bytes: bigint; status: 'waiting' | 'kept' };

/** Records of which a copy is still here: what only their owner reads, and what waits for a key and can be read. */
async function seeRecords(ctx: Ctx, userId: string): Promise<Pick<Seen, 'sealed' | 'waiting'>> {
  const rows = await ctx.db.$queryRaw<Records[]>`
    SELECT CASE WHEN waiting IS NULL THEN 'kept' ELSE 'waiting' END AS status, count(*)::int AS count,
      min(created_at) AS oldest, max(created_at) AS newest, sum(octet_length(coalesce(waiting, ciphertext)))::bigint AS bytes
    FROM billing_record WHERE user_id = ${userId} AND coalesce(waiting, ciphertext) IS NOT NULL GROUP BY 1`;
  const of = (wanted: Records['status']) =>
    rows.find(({ status }) => status === wanted) ?? { ...NONE, bytes: 0n, status: wanted };
  return { sealed: of('kept'), waiting: of('waiting') };
}

/** Work that is still to be done for them. What was done is deleted after a month and not searched for here. */
async function seeJobs(ctx: Ctx, userId: string): Promise<Seen['jobs']> {
  const lanes = ['chat', 'log', 'export'].map((lane) => `${lane}:${userId}`);
  const [found] = await ctx.db.$queryRaw<Array<Span & { names: string[] | null }>>`
    SELECT count(*)::int AS count, min(created_at) AS oldest, max(created_at) AS newest, array_agg(DISTINCT name) AS names
    FROM job WHERE lane = ANY(${lanes}) AND done_at IS NULL`;
  return { ...(found ?? NONE), names: found?.names ?? [] };
}

/** Audit rows that name a person or what is theirs; each holds ids, amounts and states only. */
const seeAudit = (ctx: Ctx, userId: string): Promise<Seen['audit']> =>
  seeOwnAudit(ctx, userId, { limit: AUDIT_COUNTED, shown: SHOWN });

async function seeExports(ctx: Ctx, userId: string): Promise<Span> {
  const [found] = await ctx.db.$queryRaw<Span[]>`
    SELECT count(*)::int AS count, min(created_at) AS oldest, max(created_at) AS newest FROM data_export WHERE user_id = ${userId}`;
  return found ?? NONE;
}

/** Which texts they agreed to, and when. */
async function seeAgreements(ctx: Ctx, userId: string): Promise<Seen['agreements']> {
  const [found] = await ctx.db.$queryRaw<Array<Span & { texts: string[] | null }>>`
    SELECT count(*)::int AS count, min(given_at) AS oldest, max(given_at) AS newest,
      array_agg(DISTINCT kind || ' ' || version) AS texts
    FROM consent WHERE user_id = ${userId}`;
  return { ...(found ?? NONE), texts: found?.texts ?? [] };
}
