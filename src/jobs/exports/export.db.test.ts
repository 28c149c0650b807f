import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { GrammyError } from 'grammy';
import { readKey } from 'openpgp';
import { afterEach, describe, expect, it } from 'vitest';
import { sealDetails } from '#domain/checkout/details.ts';
import { ensureUser } from '#domain/identity/ensure-user.ts';
import { requestRefund } from '#domain/payment/request-refund.ts';
import { bindLog } from '#domain/personal-log/bind.ts';
import { beginExport, beginSending, forgetExports, showProgress } from '#domain/privacy/export/run.ts';
import { sha256 } from '#lib/crypto.ts';
import { TEST_VAULT } from '#lib/testing/vault.ts';
import type { SimFaults, SimMessage } from '../../sandbox/control.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { giveKey, readWith } from '../../testing/keys.ts';
import { openMiniApp } from '../../testing/mini-app.ts';
import { BOT_TOKEN, type Buyer, DAY_MS, openWorld } from '../../testing/world.ts';
import { type Engine, startEngine } from '../engine.ts';
import { makeCarefulApi } from '../records/careful-api.ts';
import { DONE, type JobHandlers, jobHandlers } from '../table.ts';
import { makeExporter } from './export.ts';
import { readCsv, sha256Of, unpack } from './testing/read.ts';

const world = openWorld();
const engines: Engine[] = [];
/** Lets jobs that hang go on, so that their engine can stop. */
const ends: Array<() => void> = [];
const apiAt = (apiRoot: string) => makeCarefulApi({ token: BOT_TOKEN, apiRoot, timeoutSeconds: 1 });

afterEach(async () => {
  for (const end of ends.splice(0)) end();
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  await world.sandbox.setFaults({});
  await world.sql('DELETE FROM job');
});

type Owner = Buyer & { chat: number; app: Awaited<ReturnType<typeof openMiniApp>> };

/** A person who has written to the bot and is in the app. */
async function newOwner(): Promise<Owner> {
  const buyer = await world.newBuyer();
  const chat = Number(buyer.telegramId);
  await world.sandbox.ask('POST', `/chats/${chat}/text`, { text: '/start' });
  await ensureUser(world.system, { telegramId: buyer.telegramId, languageCode: 'en', isReachable: true });
  return { ...buyer, chat, app: await openMiniApp(world, buyer) };
}

/** A worker on the real engine. */
function startWorker(exporting: JobHandlers['export_data'] = makeExporter(apiAt(world.sandboxUrl))): void {
  const handlers = jobHandlers({
    send_notice: async () => DONE,
    deliver_record: async () => DONE,
    export_data: exporting,
    run_erasure: async () => DONE,
  });
  engines.push(startEngine(world.door, handlers));
}

const UNTIL = { timeout: 30_000, interval: 20 };

/** Lets the worker work until nothing of a person's exports is left; the clock goes to whatever waits. */
async function work(userId: string): Promise<void> {
  await expect
    .poll(async () => {
      const [first] = await world.sql<{ run_at: Date; is_running: boolean }>(
        `SELECT run_at, locked_until IS NOT NULL AS is_running FROM job WHERE lane = $1 AND done_at IS NULL ORDER BY id`,
        [`export:${userId}`],
      );
      if (!first) return true;
      const waitMs = first.run_at.getTime() - world.clock.now().getTime();
      if (!first.is_running && waitMs > 0) await world.advance(waitMs);
      await world.sql("SELECT pg_notify('job', '')");
      return false;
    }, UNTIL)
    .toBe(true);
}

async function documentsIn(chat: number): Promise<Array<{ name: string; caption: string; bytes: Uint8Array }>> {
  const messages = await world.sandbox.ask<SimMessage[]>('GET', `/chats/${chat}/messages`);
  return Promise.all(
    messages.flatMap(({ document }) =>
      document
        ? [
            fetch(`${world.sandboxUrl}${document.url}`).then(async (response) => ({
              name: document.file_name,
              caption: document.caption ?? '',
              bytes: new Uint8Array(await response.arrayBuffer()),
            })),
          ]
        : [],
    ),
  );
}

/** Asks for a copy and unpacks what the chat then holds. */
async function copyOf(owner: Owner) {
  await owner.app.privacy.requestExport.mutate();
  startWorker();
  await work(owner.id);
  return unpack((await documentsIn(owner.chat)).map(({ bytes }) => bytes));
}

const stateOf = async ({ app }: Owner) => {
  const { latest } = await app.privacy.export.query();
  return latest && [latest.status, latest.obstacle];
};
const fault = (kind: NonNullable<SimFaults['api']>['kind'], rest: Partial<NonNullable<SimFaults['api']>> = {}) =>
  world.sandbox.setFaults({ api: { kind, method: 'sendDocument', remaining: 1, ...rest } });

/** More payments like a person's first, each changed in some columns: `n` is its number. */
async function addPayments(
  userId: string,
  count: number,
  changed: string,
  chargeOf = (n: number) => `extra ${userId} ${n}`,
): Promise<void> {
  await world.sql(
    `INSERT INTO payment SELECT made.* FROM (SELECT * FROM payment WHERE user_id = $1 ORDER BY id LIMIT 1) AS p,
      generate_series(1, $2::int) AS n,
      LATERAL jsonb_populate_record(NULL::payment, to_jsonb(p) || jsonb_build_object(
        'id', 'pay_extra' || lpad(n::text, 8, '0') || right(p.user_id, 8), 'charge_id', ($3::text[])[n]) || ${changed}) AS made`,
    [userId, count, Array.from({ length: count }, (_, n) => TEST_VAULT.conceal(chargeOf(n)))],
  );
}

describe('a copy of somebody’s data', () => {
  it('holds everything that is theirs, and the manifest knows each file', async () => {
    const owner = await newOwner();
    const key = await giveKey(owner);
    await world.buy(owner, CATALOG.pluginOnce);
    await world.advance(1_000);
    const month = await world.buy(owner, CATALOG.basicMonth);
    await bindLog(world.system, { userId: owner.id, group: { chatId: -1_002_000_000_009, topicId: 7 } });
    const unpaid = await world.order(owner, CATALOG.proYear);
    const details = { description: 'Two seats', metadata: { table: '7' } };
    const sealedDetails = new Uint8Array((await sealDetails(world.system, owner.id, details)) ?? []);
    await world.database.prisma.invoice.update({ where: { id: unpaid.invoiceId }, data: { sealed: sealedDetails } });
    const agreement = { userId: owner.id, kind: 'terms', version: '2026-11-27', surface: 'mini_app' } as const;
    await world.database.prisma.consent.create({ data: { ...agreement, givenAt: world.clock.now() } });
    const copy = await copyOf(owner);
    const { manifest } = copy;
    expect(manifest).toMatchObject({ schema_version: 1, user_id: owner.id, documents: 1 });
    expect(manifest.generated_at).toBe(world.clock.now().toISOString());
    expect(manifest.notes.join(' ')).toContain('gpg --decrypt');
    expect(manifest.sections.map(({ name, rows }) => [name, rows])).toEqual([
      ['account.json', 1],
      ['payments.json', 2],
      ['payments.csv', 2],
      ['refunds.json', 0],
      ['disputes.json', 0],
      ['entitlements.json', 2],
      ['summary.json', 1],
      ['summary.pdf', 1],
      ['orders.json', 3],
      ['attempts.json', 3],
      ['reservations.json', 0],
      ['subscriptions.json', 1],
      ['cards.json', 0],
      ['agreements.json', 1],
      ['keys.json', 1],
      ['records.json', 2],
      ['sales.json', 0],
      ['sales.csv', 0],
      ['copies.json', 1],
      ['erasures.json', 0],
      ['audit.json', expect.any(Number)],
    ]);
    for (const { name, sha256 } of manifest.sections) expect(sha256Of(copy.bytesOf(name))).toBe(sha256);
    for (const row of [...copy.rowsOf('records.json'), ...copy.rowsOf('keys.json')])
      expect(sha256Of(copy.bytesOf(row['file'] ?? ''))).toBe(row['sha256']);
    expect(copy.jsonOf('account.json')).toMatchObject({
      user_id: owner.id,
      telegram_id: owner.telegramId.toString(),
      personal_log: { group: { chat_id: '-1002000000009', topic_id: '7' } },
    });
    const order = copy.rowsOf('orders.json').find((row) => row['order_id'] === unpaid.invoiceId);
    expect(JSON.parse(order?.['said_by_seller'] ?? '')).toEqual(details);
    expect(copy.rowsOf('agreements.json')[0]).toMatchObject({
      kind: 'terms',
      version: '2026-11-27',
      withdrawn_at: null,
    });
    const [, sealed] = copy.rowsOf('records.json');
    const said = JSON.parse(await readWith(key, copy.textOf(sealed?.['file'] ?? '')));
    expect(said).toMatchObject({ record: sealed?.['record_id'], provider: { charge: month.chargeId } });
    const armoredKey = copy.textOf(copy.rowsOf('keys.json')[0]?.['file'] ?? '');
    expect((await readKey({ armoredKey })).getFingerprint()).toBe(key.getFingerprint());
    expect(Buffer.from(copy.bytesOf('summary.pdf')).toString('latin1')).toMatch(/^%PDF-[\s\S]*\/Count 1\n/);
  });

  it('holds records that wait for a key in plain text, and says so', async () => {
    const owner = await newOwner();
    const { chargeId } = await world.buy(owner, CATALOG.pluginOnce);
    const copy = await copyOf(owner);
    const [waiting] = copy.rowsOf('records.json');
    expect(waiting).toMatchObject({ status: 'waiting', file: `records/waiting/${waiting?.['record_id']}.json` });
    expect(copy.jsonOf(waiting?.['file'] ?? '')).toMatchObject({ type: 'payment', provider: { charge: chargeId } });
    expect(copy.manifest.notes.join(' ')).toContain('records/waiting/');
  });

  it('adds up to the books, also as a table, by year and currency', async () => {
    const owner = await newOwner();
    await world.buy(owner, CATALOG.pluginOnce);
    const [{ id: paymentId } = { id: '' }] = await world.sql<{ id: string }>(
      'SELECT id FROM payment WHERE user_id = $1',
      [owner.id],
    );
    await addPayments(
      owner.id,
      3,
      `jsonb_build_object('currency', 'EUR', 'paid_at', timestamptz '2025-12-31 23:59:59Z')`,
    );
    await world.sql(
      `INSERT INTO refund (id, payment_id, status, reason, amount, currency, requested_by, created_at, completed_at)
       SELECT 'ref_' || id, id, 'succeeded', 'requested', 1, currency, 'usr_x', now(), now() FROM payment WHERE user_id = $1 AND currency = 'EUR'`,
      [owner.id],
    );
    await world.sql(`UPDATE payment SET returned_amount = 1 WHERE user_id = $1 AND currency = 'EUR'`, [owner.id]);
    await requestRefund(world.system, { paymentId });
    const copy = await copyOf(owner);
    const books = await world.sql<{ year: number; currency: string; paid: bigint; returned: bigint; count: number }>(
      `SELECT extract(year FROM paid_at AT TIME ZONE 'UTC')::int AS year, currency, sum(amount)::bigint AS paid,
        sum(returned_amount)::bigint AS returned, count(*)::int AS count
       FROM payment WHERE user_id = $1 GROUP BY 1, 2 ORDER BY 1 DESC, 2`,
      [owner.id],
    );
    expect(books).toHaveLength(2);
    const minor = (text: string | undefined) => BigInt((text ?? '').replace('.', ''));
    expect(
      copy.jsonOf<Array<{ year: number; currency: string; payments: number; paid: string; returned: string }>>(
        'summary.json',
      ),
    ).toMatchObject([
      { year: 2026, currency: 'XTR', payments: 1, paid: '101', returned: '0' },
      { year: 2025, currency: 'EUR', payments: 3, paid: '3.03', returned: '0.03' },
    ]);
    for (const rows of [copy.rowsOf('payments.json'), readCsv(copy.bytesOf('payments.csv'))])
      for (const { currency, count, paid, returned } of books) {
        const own = rows.filter((row) => row['currency'] === currency);
        expect(own).toHaveLength(count);
        expect(own.reduce((sum, row) => sum + minor(row['amount']), 0n)).toBe(BigInt(paid));
        expect(own.reduce((sum, row) => sum + minor(row['returned']), 0n)).toBe(BigInt(returned));
      }
    expect(copy.rowsOf('refunds.json')).toHaveLength(4);
  });

  it('has a table that Excel in Japan reads and takes for no formula', async () => {
    const owner = await newOwner();
    await world.buy(owner, CATALOG.pluginOnce);
    await addPayments(owner.id, 1, "'{}'", () => '=HYPERLINK("http://evil.test","a,b")');
    const copy = await copyOf(owner);
    const text = copy.textOf('payments.csv');
    expect(Buffer.from(copy.bytesOf('payments.csv').slice(0, 3)).toString('hex')).toBe('efbbbf');
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    const charges = readCsv(copy.bytesOf('payments.csv')).map((row) => row['charge_id']);
    expect(charges).toContain(`'=HYPERLINK("http://evil.test","a,b")`);
    for (const row of readCsv(copy.bytesOf('payments.csv')))
      for (const cell of Object.values(row)) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
    // The list for programs has it as it is.
    expect(copy.rowsOf('payments.json').map((row) => row['charge_id'])).toContain(
      '=HYPERLINK("http://evil.test","a,b")',
    );
  });

  it('holds nothing of anybody else', async () => {
    const [owner, other] = [await newOwner(), await newOwner()];
    await world.buy(owner, CATALOG.pluginOnce);
    const foreign = await world.buy(other, CATALOG.basicMonth);
    await giveKey(other);
    const { whole } = await copyOf(owner);
    const theirs = await world.sql<{ id: string }>(
      `SELECT id FROM payment WHERE user_id = $1 UNION ALL SELECT id FROM invoice WHERE user_id = $1
       UNION ALL SELECT id FROM billing_record WHERE user_id = $1 UNION ALL SELECT id FROM entitlement WHERE user_id = $1
       UNION ALL SELECT id FROM billing_key WHERE user_id = $1 UNION ALL SELECT id FROM subscription WHERE user_id = $1`,
      [other.id],
    );
    expect(theirs.length).toBeGreaterThan(5);
    expect(whole).toContain(owner.id);
    for (const secret of [other.id, other.telegramId.toString(), foreign.chargeId, ...theirs.map(({ id }) => id)])
      expect(whole).not.toContain(secret);
  });

  it('is split where it is large, each payment in it once and nothing of it kept here', async () => {
    const owner = await newOwner();
    const { chargeId } = await world.buy(owner, CATALOG.pluginOnce);
    const count = 2_600;
    await addPayments(owner.id, count, "'{}'", (n) => sha256(`charge ${n}`).toString('hex'));
    await owner.app.privacy.requestExport.mutate();
    const partBytes = 60_000;
    startWorker(makeExporter(apiAt(world.sandboxUrl), { partBytes }));
    await work(owner.id);
    const documents = await documentsIn(owner.chat);
    expect(documents.length).toBeGreaterThan(2);
    expect(documents.map(({ name }) => name)).toEqual(
      documents.map((_, index) => `hoshi-data-2026-11-20-${index + 1}.zip`),
    );
    expect(documents.at(-1)?.caption).toContain('the last one');
    const copy = unpack(documents.map(({ bytes }) => bytes));
    const parts = copy.names.filter((name) => /^payments(-\d+)?\.json$/.test(name));
    expect(parts.length).toBeGreaterThan(1);
    const ids = parts.flatMap((name) => copy.rowsOf(name)).map((row) => row['payment_id']);
    expect(new Set(ids).size).toBe(count + 1);
    expect(ids).toHaveLength(count + 1);
    const tables = copy.names.filter((name) => name.endsWith('.csv'));
    expect(tables.flatMap((name) => readCsv(copy.bytesOf(name))).map((row) => row['payment_id'])).toEqual(ids);
    for (const { name, part, sha256 } of copy.manifest.sections) {
      expect(Object.keys(copy.parts[part - 1] ?? {})).toContain(name);
      expect(sha256Of(copy.bytesOf(name))).toBe(sha256);
    }
    const hash = createHash('sha256');
    for (const { bytes } of documents) hash.update(bytes);
    const { latest } = await owner.app.privacy.export.query();
    expect(latest).toMatchObject({
      status: 'sent',
      progress: 100,
      documents: documents.length,
      sha256: hash.digest('hex'),
    });
    const [{ kept } = { kept: '' }] = await world.sql<{ kept: string }>(
      `SELECT concat((SELECT string_agg(e::text, ' ') FROM data_export e), (SELECT string_agg(j::text, ' ') FROM job j),
        (SELECT string_agg(a::text, ' ') FROM audit_event a WHERE action LIKE 'export.%')) AS kept`,
    );
    expect(kept).toContain(latest?.id);
    expect(kept).not.toContain(chargeId);
  });

  it('is audited with ids alone', async () => {
    const owner = await newOwner();
    await copyOf(owner);
    const { latest } = await owner.app.privacy.export.query();
    expect(
      await world.sql('SELECT action, actor, data FROM audit_event WHERE object_id = $1 ORDER BY seq', [latest?.id]),
    ).toEqual([
      { action: 'export.requested', actor: owner.id, data: {} },
      { action: 'export.sent', actor: 'system:export_data', data: { parts: 1 } },
    ]);
  });
});

describe('asking', () => {
  it('several times at once begins one, and everybody is shown their own', async () => {
    const [owner, other] = [await newOwner(), await newOwner()];
    const asked = await Promise.all(Array.from({ length: 4 }, () => owner.app.privacy.requestExport.mutate()));
    expect(new Set(asked.map(({ latest }) => latest?.id)).size).toBe(1);
    expect((await other.app.privacy.export.query()).latest).toBeNull();
    await expect(
      world.sql(`INSERT INTO data_export (id, user_id, status, created_at) VALUES ('exp_2', $1, 'running', now())`, [
        owner.id,
      ]),
    ).rejects.toThrow('data_export_one_open');
    startWorker();
    await work(owner.id);
    expect(await documentsIn(owner.chat)).toHaveLength(1);
  });

  it('a fourth time within a day is refused with the time to wait', async () => {
    const owner = await newOwner();
    startWorker();
    for (let time = 0; time < 3; time += 1) {
      await owner.app.privacy.requestExport.mutate();
      await work(owner.id);
      await world.advance(3_600_000);
    }
    await expect(owner.app.privacy.requestExport.mutate()).rejects.toMatchObject({
      data: {
        hoshi: {
          kind: 'rate_limited',
          reason: 'too_many_exports',
          retryAfterSeconds: 21 * 3_600,
          text: expect.stringContaining('in 21 h'),
        },
      },
    });
    await world.advance(21 * 3_600_000);
    const app = await openMiniApp(world, owner);
    expect((await app.privacy.requestExport.mutate()).latest?.status).toBe('requested');
  });

  it('is forgotten a month after it was answered', async () => {
    const owner = await newOwner();
    await copyOf(owner);
    await world.advance(29 * DAY_MS);
    expect(await forgetExports(world.system)).toBe(0);
    await world.advance(2 * DAY_MS);
    expect(await forgetExports(world.system)).toBeGreaterThanOrEqual(1);
    expect((await (await openMiniApp(world, owner)).privacy.export.query()).latest).toBeNull();
  });
});

describe('Telegram', () => {
  it('that does not let the bot write ends it, and the person is told how to mend that', async () => {
    const owner = await newOwner();
    await world.sandbox.changeUser(owner.chat, { has_blocked_bot: true });
    await owner.app.privacy.requestExport.mutate();
    startWorker();
    await work(owner.id);
    expect(await owner.app.privacy.export.query()).toMatchObject({
      isReachable: false,
      chatUrl: 'https://t.me/hoshi_sandbox_bot?start=export',
      latest: { status: 'failed', obstacle: 'unreachable' },
    });
    await world.sandbox.changeUser(owner.chat, { has_blocked_bot: false });
    await world.advance(1_000);
    await owner.app.privacy.requestExport.mutate();
    await work(owner.id);
    expect(await stateOf(owner)).toEqual(['sent', null]);
  });

  it.each(['lost_answer', 'timeout'] as const)(
    'that took it and did not answer (%s) is not sent it again',
    async (kind) => {
      const owner = await newOwner();
      await owner.app.privacy.requestExport.mutate();
      await fault(kind);
      startWorker();
      await work(owner.id);
      expect(await stateOf(owner)).toEqual(['failed', 'unknown']);
      expect(await documentsIn(owner.chat)).toHaveLength(kind === 'lost_answer' ? 1 : 0);
    },
  );

  it('that asks to wait or fails for a while is waited for', async () => {
    const owner = await newOwner();
    await owner.app.privacy.requestExport.mutate();
    await fault('flood', { retry_after: 40, remaining: 3 });
    const began = world.clock.now().getTime();
    startWorker();
    await work(owner.id);
    expect(world.clock.now().getTime() - began).toBeGreaterThanOrEqual(3 * 40_000);
    expect(await stateOf(owner)).toEqual(['sent', null]);
    expect(await documentsIn(owner.chat)).toHaveLength(1);
  });

  it('that cannot be reached for a day ends it', async () => {
    const owner = await newOwner();
    await owner.app.privacy.requestExport.mutate();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const deadUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await new Promise((resolve) => server.close(resolve));
    startWorker(makeExporter(apiAt(deadUrl)));
    await work(owner.id);
    owner.app = await openMiniApp(world, owner);
    expect(await stateOf(owner)).toEqual(['failed', 'given_up']);
  });

  it('that refuses a later document ends it as incomplete', async () => {
    const owner = await newOwner();
    await world.buy(owner, CATALOG.pluginOnce);
    await addPayments(owner.id, 1_200, "'{}'", (n) => sha256(`${owner.id} ${n}`).toString('hex'));
    await owner.app.privacy.requestExport.mutate();
    const api = apiAt(world.sandboxUrl);
    const { sendDocument } = api;
    let calls = 0;
    api.sendDocument = (...args) => {
      calls += 1;
      if (calls === 1) return Reflect.apply(sendDocument, api, args);
      const answer = { ok: false, error_code: 400, description: 'Bad Request: wrong file', parameters: {} } as const;
      throw new GrammyError('refused', answer, 'sendDocument', {});
    };
    startWorker(makeExporter(api, { partBytes: 30_000 }));
    await work(owner.id);
    expect(await stateOf(owner)).toEqual(['failed', 'incomplete']);
    expect(await documentsIn(owner.chat)).toHaveLength(1);
  });
});

describe('a worker', () => {
  /** A job that does `first` and is then heard of no more; once its lease has ended, others may run. */
  function dyingOnce(first: (exportId: string) => Promise<unknown>): JobHandlers['export_data'] {
    let isFirst = true;
    return async (ctx, job, prolong) => {
      if (!isFirst) return makeExporter(apiAt(world.sandboxUrl))(ctx, job, prolong);
      isFirst = false;
      await first(job.exportId);
      await world.sql("UPDATE job SET locked_until = now() - interval '1 second' WHERE name = 'export_data'");
      return new Promise((resolve) => ends.push(() => resolve(DONE)));
    };
  }

  it('that died while it sent leaves a copy that is not sent again, and another may be asked for', async () => {
    const owner = await newOwner();
    await owner.app.privacy.requestExport.mutate();
    startWorker(
      dyingOnce(async (id) => {
        const run = await beginExport(world.system, id);
        if (!run || !(await beginSending(world.system, run))) throw new Error('it did not begin');
      }),
    );
    await work(owner.id);
    expect(await stateOf(owner)).toEqual(['failed', 'interrupted']);
    expect(await documentsIn(owner.chat)).toEqual([]);
    await world.advance(1_000);
    await owner.app.privacy.requestExport.mutate();
    await work(owner.id);
    expect(await stateOf(owner)).toEqual(['sent', null]);
  });

  it('that died before is followed by another, and writes nothing should it wake up', async () => {
    const owner = await newOwner();
    await owner.app.privacy.requestExport.mutate();
    let asleep: Awaited<ReturnType<typeof beginExport>> = null;
    startWorker(
      dyingOnce(async (id) => {
        asleep = await beginExport(world.system, id);
      }),
    );
    await work(owner.id);
    expect(await stateOf(owner)).toEqual(['sent', null]);
    expect(await documentsIn(owner.chat)).toHaveLength(1);
    if (!asleep) throw new Error('it did not begin');
    expect(await beginSending(world.system, asleep)).toBe(false);
    expect(await showProgress(world.system, asleep, 50)).toBe(false);
    expect(await stateOf(owner)).toEqual(['sent', null]);
  });
});
