import { createHmac } from 'node:crypto';
import { expect, vi } from 'vitest';
import { makeApi } from '../../bot/bot.ts';
import { startEngine } from '../../jobs/engine.ts';
import { makeErasureRunner } from '../../jobs/erasure/run.ts';
import { makeExporter } from '../../jobs/exports/export.ts';
import { makeNoticeSender } from '../../jobs/notices/send.ts';
import { makeCarefulApi } from '../../jobs/records/careful-api.ts';
import { makeRecordDeliverer } from '../../jobs/records/deliver.ts';
import { jobHandlers } from '../../jobs/table.ts';
import { AMOUNTS } from '../../testing/catalog.ts';
import { newKeyPair, readWith } from '../../testing/keys.ts';
import { BOT_TOKEN, type Buyer, type PriceId } from '../../testing/world.ts';
import { BOT_NAME, type Doors } from './canary-doors.ts';

/** Somebody who was met. `name` tells whose marks are whose. */
export type Person = Buyer & Readonly<{ token: string; name: string }>;
export type Wish = Readonly<{ priceId: PriceId; currency: string; method: string; provider: string }>;
export type Order = Readonly<{ invoiceId: string; url: string }>;

/** A launch as Telegram signs it, with all it says of a person. */
export function launchOf({ marks, world }: Doors, name: string): string {
  const user = {
    id: marks.id(`Telegram id of ${name}`),
    first_name: marks.of(`first name of ${name}`),
    last_name: marks.of(`last name of ${name}`),
    username: marks.of(`handle of ${name}`),
    language_code: 'en',
    photo_url: `https://t.me/i/userpic/320/${marks.of(`picture of ${name}`)}.svg`,
  };
  const at = Math.floor(world.clock.now().getTime() / 1_000);
  const fields = { auth_date: String(at), query_id: marks.of(`query of ${name}`), user: JSON.stringify(user) };
  const lines = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
  const secret = createHmac('sha256', 'WebAppData').update(BOT_TOKEN).digest();
  const hash = createHmac('sha256', secret).update(lines.sort().join('\n')).digest('hex');
  return new URLSearchParams({ ...fields, hash }).toString();
}

/** Somebody writes to the bot, opens the Mini App, and adds a key that bears a name and an address where `hasKey`. */
export async function meet(doors: Doors, name: string, { hasKey = false } = {}): Promise<Person> {
  const { ask, marks, world } = doors;
  const telegramId = marks.id(`Telegram id of ${name}`);
  const [first_name, last_name] = [marks.of(`first name of ${name}`), marks.of(`last name of ${name}`)];
  const username = marks.of(`handle of ${name}`);
  const known = { id: telegramId, first_name, last_name, username, language_code: 'en', balance: 1_000_000 };
  await world.sandbox.createUser(known);
  for (const text of ['/start', '/plans', `/paysupport ${marks.of(`message of ${name}`)}`, marks.of(`chat of ${name}`)])
    await world.sandbox.ask('POST', `/chats/${telegramId}/text`, { text });
  type Session = { token: string; me: { userId: string } };
  const { me, token } = await ask<Session>('session.start', null, { initData: launchOf(doors, name) });
  marks.add(`session of ${name}`, token);
  if (hasKey) await addKey(doors, token);
  const user = await world.database.prisma.user.findUniqueOrThrow({ where: { id: me.userId } });
  const ctx = world.as({ kind: 'user', userId: user.id, role: 'user' });
  return { ...user, telegramId: BigInt(telegramId), token, ctx, name };
}

async function addKey({ ask, marks }: Doors, token: string): Promise<void> {
  const { privateKey, publicKey } = await newKeyPair();
  marks.add('address in keys', 'mio@keys.test');
  type Added = { key: { id: string; message: string } };
  const { key } = await ask<Added>('privacy.addKey', token, { publicKey });
  const code = (await readWith(privateKey, key.message)).trim();
  await ask('privacy.proveKey', token, { keyId: key.id, code });
}

/** A seller's server orders for somebody, and says what for. */
export async function order({ apiKey, call, marks }: Doors, person: Person, wish: Wish): Promise<Order> {
  const { currency, method, priceId, provider } = wish;
  const { name, telegramId } = person;
  const body = {
    ...{ amount: AMOUNTS[priceId], currency, payment_method: method, provider, item_id: priceId },
    ...{ customer_telegram_id: Number(telegramId), description: marks.of(`description for ${name}`) },
  };
  const send = (json: object) => call('/api/v1/payments/create', { as: apiKey, json });
  const first = await send({ ...body, metadata: { note: marks.of(`metadata for ${name}`) } });
  // Not every version takes metadata.
  const said = first.status === 400 ? await send(body) : first;
  if (said.status !== 201) throw new Error(`${provider}: ${said.text}`);
  return { invoiceId: String(said.body['payment_id']), url: String(said.body['payment_url']) };
}

/** A server asks for an order's money back, or for a part of it. */
export async function askBack({ apiKey, call }: Doors, { invoiceId }: Order, amount?: number): Promise<void> {
  const json = amount === undefined ? {} : { amount };
  const said = await call(`/api/v1/payments/${invoiceId}/refund`, { as: apiKey, json });
  if (said.status !== 202) throw new Error(said.text);
}

/** Waits until something is so; half a minute at most. */
export const until = (isSo: () => Promise<boolean>) =>
  vi.waitFor(async () => expect(await isSo()).toBe(true), { timeout: 30_000, interval: 50 });

/** Does all queued work, with the notices and the records that go to Telegram, as a worker does. */
export async function work({ world }: Doors): Promise<void> {
  const connection = { token: BOT_TOKEN, apiRoot: world.sandboxUrl };
  const handlers = jobHandlers({
    send_notice: makeNoticeSender({ api: makeApi(connection), botUsername: BOT_NAME }),
    deliver_record: makeRecordDeliverer(makeCarefulApi(connection)),
    export_data: makeExporter(makeCarefulApi(connection)),
    run_erasure: makeErasureRunner(makeCarefulApi(connection)),
  });
  const engine = startEngine(world.door, handlers);
  const due = 'SELECT name FROM job WHERE done_at IS NULL AND run_at <= $1';
  try {
    await until(async () => (await world.sql(due, [world.clock.now()])).length === 0);
  } finally {
    await engine.stop();
  }
}
