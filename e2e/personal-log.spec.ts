import type { SimGroup } from '#sandbox/control.ts';
import { giveKey, readRecord } from './fixtures/keys.ts';
import type { Phone } from './fixtures/phone.ts';
import { Session } from './fixtures/session.ts';
import { expect, test } from './fixtures/test.ts';
import { wordsOf } from './fixtures/words.ts';

const words = wordsOf('en');
const PLUGIN = 'prc_plugin_voice_notes_license_once_xtr';

/** From the app's settings to the chat, and through Telegram's own sheet to a new group. */
async function connect(phone: Phone, title: string): Promise<SimGroup> {
  const { app, page } = phone;
  await phone.openApp();
  await app.getByTestId('way-settings').click();
  await app.getByTestId('settings-log').click();
  await expect(app.getByTestId('log-in-chat')).toBeVisible();
  await app.getByTestId('log-connect').click();
  await expect(phone.message('Where your payment records go')).toBeVisible();
  await page.getByRole('button', { name: words('bot.log.choose') }).click();
  await page.getByTestId('group-title').fill(title);
  await page.getByTestId('group-create').click();
  await expect(phone.message('Connected.')).toBeVisible();
  await expect(page.getByRole('button', { name: words('bot.log.choose') })).toHaveCount(0);
  const group = (await phone.sandbox.state()).groups.find(({ owner_id }) => owner_id === phone.user.id);
  if (!group) throw new Error('no group was made');
  return group;
}

test('records come into a topic of one’s own group, and only its owner can read them', async ({
  newPhone,
  sandbox,
}) => {
  test.slow();
  const phone = await newPhone({ balance: 1_000 });
  const { app, page } = phone;
  const group = await connect(phone, 'My payments');
  const key = await giveKey(phone.user.id);

  await phone.openCheckout();
  await phone.payToTheEnd();
  await phone.closeApp();
  const [topic] = group.topics;
  await page.getByTestId('chat-back').click();
  await page.getByTestId(`chat-group-${group.id}`).click();
  await page.getByTestId(`topic-${topic?.thread_id}`).click();
  await expect(page.getByText('-----BEGIN PGP MESSAGE-----')).toBeVisible();
  await expect(page.getByText('#payment')).toBeVisible();
  const record = (await sandbox.messages(group.id)).find(({ text }) => text?.includes('BEGIN PGP MESSAGE'));
  expect(record).toMatchObject({ message_thread_id: topic?.thread_id, is_silent: true });
  const said = await readRecord(record?.text?.replace(/^#.*\n/, '') ?? '', key);
  expect(said).toMatchObject({
    type: 'payment',
    amount: { amount: '150', currency: 'XTR' },
    item: { plan: { code: 'personal-pro' } },
  });
  expect((await sandbox.messages(phone.user.id)).some(({ text }) => text?.includes('BEGIN PGP'))).toBe(false);

  await phone.openAppAt('log');
  await expect(app.getByTestId('log-in-group')).toBeVisible();
  await expect(app.getByTestId('log-state')).toContainText(words('app.log.allDelivered'));
});

test('whoever throws the bot out is told what to do, and connects the group again', async ({ newPhone, sandbox }) => {
  test.slow();
  const phone = await newPhone({ balance: 1_000 });
  const { app, page } = phone;
  const group = await connect(phone, 'My payments');
  const key = await giveKey(phone.user.id);
  await page.getByTestId('chat-back').click();
  await page.getByTestId(`chat-group-${group.id}`).click();
  await page.getByTestId('group-bot').click();
  await expect(page.getByTestId('group-bot')).toHaveText('Add the bot as administrator');

  const { slug } = await (await Session.open(page.request, sandbox, phone.user.id)).startCheckout(PLUGIN);
  expect(await sandbox.pay(slug, phone.user.id)).toMatchObject({ status: 'paid' });
  await sandbox.messageWith(phone.user.id, words('notice.logBroken.removed'));
  const record = await sandbox.messageWith(phone.user.id, 'BEGIN PGP MESSAGE');
  expect(await readRecord(record.text?.replace(/^#.*\n/, '') ?? '', key)).toMatchObject({ type: 'payment' });

  await phone.openAppAt('log');
  await expect(app.getByTestId('log-obstacle')).toContainText(words('app.log.obstacle.removed'));
  await app.getByTestId('log-connect').click();
  await page.getByRole('button', { name: words('bot.log.choose') }).click();
  await page.getByTestId(`share-group-${group.id}`).click();
  await expect(phone.message('Connected.')).toBeVisible();
  await phone.openAppAt('log');
  await expect(app.getByTestId('log-in-group')).toBeVisible();
  await app.getByTestId('log-unbind').click();
  await page.getByTestId('popup-button-yes').click();
  await expect(app.getByTestId('log-in-chat')).toBeVisible();
});
