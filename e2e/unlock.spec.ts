import { readFileSync } from 'node:fs';
import { capturedKey } from '#lib/testing/keys.ts';
import { expectCleanScreen } from './fixtures/clean.ts';
import { giveKey } from './fixtures/keys.ts';
import type { Phone } from './fixtures/phone.ts';
import { expect, test } from './fixtures/test.ts';

const PASSPHRASE = 'correct horse battery staple';

/** Makes a key in the app, to be kept on this device. @returns its backup, armoured */
async function makeKey(phone: Phone): Promise<string> {
  const { app, page } = phone;
  await app.getByTestId('key-make').click();
  await app.getByTestId('new-key-passphrase').fill(PASSPHRASE);
  await app.getByTestId('new-key-again').fill(PASSPHRASE);
  await phone.mainButton.click();
  const fingerprint = (await app.getByTestId('fingerprint').textContent()) ?? '';
  const [download] = await Promise.all([page.waitForEvent('download'), app.getByTestId('backup-file').click()]);
  await app.getByTestId('backup-confirm').fill(fingerprint.slice(-4));
  await expect(phone.mainButton).toBeEnabled();
  await phone.mainButton.click();
  await expect(app.getByTestId('new-key-done')).toBeVisible();
  return readFileSync(await download.path(), 'utf8');
}

/** Buys what the phone's person came for, closes the app and opens the history. */
async function buyAndOpenHistory(phone: Phone): Promise<void> {
  await phone.openCheckout();
  await phone.payToTheEnd();
  await openHistory(phone);
}

async function openHistory(phone: Phone): Promise<void> {
  await phone.openAppAt('history');
  await expect(phone.app.getByTestId(/^history-row-/).first()).toBeVisible();
}

/** Everything that leaves any page of this browser from now on, readable: addresses, headers and bodies. */
function watchRequests({ page }: Phone): string[] {
  const sent: string[] = [];
  page.context().on('request', (request) => {
    const said = `${decodeURIComponent(request.url())} ${JSON.stringify(request.headers())} ${request.postData() ?? ''}`;
    sent.push(said);
  });
  return sent;
}

/** The ways in which a text may stand in a request. */
const formsOf = (text: string) => [
  text,
  encodeURIComponent(text),
  JSON.stringify(text).slice(1, -1),
  // Whatever stands before it, one of three alignments; its ends differ by what is beside it.
  ...[0, 1, 2].map((before) =>
    Buffer.from('-'.repeat(before) + text)
      .toString('base64')
      .slice(4, -4),
  ),
];

test('details are read on the device with one’s key, and nothing of them leaves it', async ({ newPhone }) => {
  test.slow();
  const phone = await newPhone({ balance: 1_000 });
  const { app, page, words } = phone;
  const sent = watchRequests(phone);
  await phone.openAppAt('keys');
  await makeKey(phone);
  await buyAndOpenHistory(phone);
  const row = app.getByTestId(/^history-row-/);
  await expect(app.getByTestId('opened-mark')).toHaveCount(0);

  await app.getByTestId('unlock').click();
  await expect(app.getByTestId('unlock-backup')).toHaveCount(0);
  await app.getByTestId('unlock-passphrase').fill('wrong passphrase');
  await expectCleanScreen(phone, 'unlock');
  await app.getByTestId('unlock-send').click();
  await expect(app.getByTestId('unlock-trouble')).toHaveText(words('app.record.trouble.wrong_passphrase'));
  await app.getByTestId('unlock-passphrase').fill(PASSPHRASE);
  await app.getByTestId('unlock-send').click();
  await expect(app.getByTestId('lock')).toBeVisible();
  await expect(row.getByTestId('opened-mark')).toHaveText(words('app.record.mark'));
  await expect(row).toContainText('Pro · Personal log');
  await expectCleanScreen(phone, 'unlocked history');

  await row.click();
  const record = app.getByTestId(/^record-rec_/);
  await expect(record).toContainText('Personal log');
  await expect(record.getByTestId('record-signature')).toHaveText(words('app.record.signed'));
  await expect(record.getByTestId('opened-mark')).toHaveText(words('app.record.mark'));
  await record.getByText(words('app.record.whole')).click();
  const whole = (await record.locator('pre').textContent()) ?? '';
  const said = JSON.parse(whole) as { record: string; provider: { charge: string }; period: { start: string } };
  expect(whole).toContain('personal-pro');
  await expectCleanScreen(phone, 'record');

  // Locked by a press, on every screen, and by leaving.
  await app.getByTestId('lock').click();
  await expect(record).toHaveCount(0);
  await page.getByTestId('miniapp-back').click();
  await expect(app.getByTestId('opened-mark')).toHaveCount(0);
  await app.getByTestId('unlock').click();
  await app.getByTestId('unlock-passphrase').fill(PASSPHRASE);
  await app.getByTestId('unlock-send').click();
  await expect(row.getByTestId('opened-mark')).toBeVisible();
  await openHistory(phone);
  await expect(app.getByTestId('unlock')).toBeVisible();
  await expect(app.getByTestId('opened-mark')).toHaveCount(0);

  expect(sent.filter((request) => request.includes('records.forPayments')).length).toBeGreaterThan(0);
  const secrets = [PASSPHRASE, 'PRIVATE KEY', said.record, said.provider.charge, said.period.start, whole.slice(0, 60)];
  for (const secret of [...secrets, 'Personal log'].flatMap(formsOf))
    expect(sent.filter((request) => request.includes(secret))).toEqual([]);
});

test('a backup opens records where the device keeps no key', async ({ newPhone, sandbox }) => {
  test.slow();
  await sandbox.setFaults({ client_version: '8.0' });
  const phone = await newPhone({ balance: 1_000, language: 'ja', theme: 'dark' });
  const { app, words } = phone;
  await buyAndOpenHistory(phone);
  await app.getByTestId('unlock').click();
  await expect(app.getByTestId('unlock-no-key')).toContainText(words('app.record.noKey'));
  await app.getByTestId('unlock-to-keys').click();
  await phone.expectScreen('app.keys.title');

  // It is sealed to a key of theirs at once, and read with the backup: pasted, or from its file.
  const backup = await makeKey(phone);
  const other = await giveKey(phone.user.id);
  await openHistory(phone);
  await app.getByTestId('unlock').click();
  await app.getByTestId('unlock-backup').fill(capturedKey('curve'));
  await app.getByTestId('unlock-passphrase').fill(PASSPHRASE);
  await app.getByTestId('unlock-send').click();
  await expect(app.getByTestId('unlock-trouble')).toHaveText(words('app.record.trouble.not_a_key'));
  await expectCleanScreen(phone, 'backup');
  // A key that came later reads nothing of before.
  await app.getByTestId('unlock-backup').fill(other.armor());
  await app.getByTestId('unlock-passphrase').fill('');
  await app.getByTestId('unlock-send').click();
  const row = app.getByTestId(/^history-row-/);
  await expect(row).toContainText(words('app.record.row.other_key'));
  await row.click();
  await expect(app.getByText(words('app.record.state.other_key'))).toBeVisible();
  await app.getByTestId('unlock-another').click();
  await app
    .getByTestId('unlock-file')
    .setInputFiles({ name: 'hoshi-key.asc', mimeType: 'application/pgp-keys', buffer: Buffer.from(backup) });
  await app.getByTestId('unlock-passphrase').fill(PASSPHRASE);
  await app.getByTestId('unlock-send').click();
  await expect(app.getByTestId('record-signature')).toHaveText(words('app.record.signed'));
  await expect(app.getByTestId('unlock-another')).toHaveCount(0);
  await expectCleanScreen(phone, 'record after another key');

  // The same record as it came into the chat, where the server's copy is not needed.
  const { text } = await sandbox.messageWith(phone.user.id, 'BEGIN PGP MESSAGE');
  await phone.openAppAt('log');
  await app.getByTestId('log-open-record').click();
  await app.getByTestId('record-text').fill('#payment');
  await expect(app.getByTestId('record-trouble')).toHaveText(words('app.record.paper.no_message'));
  await app.getByTestId('record-text').fill(text ?? '');
  await expect(app.getByTestId('record-locked')).toHaveText(words('app.record.paper.unlock'));
  await app.getByTestId('unlock').click();
  await app.getByTestId('unlock-backup').fill(backup);
  await app.getByTestId('unlock-passphrase').fill(PASSPHRASE);
  await app.getByTestId('unlock-send').click();
  const opened = app.getByTestId('record-opened');
  await expect(opened).toContainText('プロ');
  await expect(opened).toContainText('150 ★');
  await expect(opened.getByTestId('record-signature')).toHaveText(words('app.record.signed'));
  await expect(app.getByTestId('record-locked')).toHaveCount(0);
  await expectCleanScreen(phone, 'opened record');
  await app.getByTestId('record-text').fill('#payment');
  await expect(app.getByTestId('record-trouble')).toHaveText(words('app.record.paper.no_message'));
});

test('a record that waits for a key is not called safe', async ({ newPhone, sandbox }) => {
  test.slow();
  await sandbox.setFaults({ client_version: '8.0' });
  const phone = await newPhone({ balance: 1_000 });
  const { app, page, words } = phone;
  await phone.openAppAt('keys');
  const backup = await makeKey(phone);
  await phone.openAppAt('keys');
  await app.getByTestId(/^key-row-/).click();
  await app.getByTestId('key-retire').click();
  await page.getByTestId('popup-button-yes').click();
  await expect(app.getByTestId('key-state')).toHaveText(words('app.keys.state.retired'));

  await buyAndOpenHistory(phone);
  await app.getByTestId('unlock').click();
  await app.getByTestId('unlock-backup').fill(backup);
  await app.getByTestId('unlock-passphrase').fill(PASSPHRASE);
  await app.getByTestId('unlock-send').click();
  const row = app.getByTestId(/^history-row-/);
  await expect(row).toContainText(words('app.record.row.waiting'));
  await row.click();
  await expect(app.getByText(words('app.record.state.waiting'))).toBeVisible();
  await expectCleanScreen(phone, 'waiting record');

  await phone.openAppAt('log');
  await app.getByTestId('log-without-key').click();
  await phone.expectScreen('app.keys.title');
});
