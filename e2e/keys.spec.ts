import { readFileSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import { decrypt, decryptKey, readMessage, readPrivateKey } from 'openpgp';
import { capturedKey } from '#lib/testing/keys.ts';
import type { Phone } from './fixtures/phone.ts';
import { expect, test } from './fixtures/test.ts';

const PASSPHRASE = 'correct horse battery staple';
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];

async function openCentre(phone: Phone): Promise<void> {
  await phone.openApp();
  await phone.app.getByTestId('way-settings').click();
  await phone.app.getByTestId('settings-privacy').click();
  await phone.expectScreen('app.keys.title');
}

/** What axe finds in the Mini App's frame. */
async function expectClean({ page }: Phone, name: string): Promise<void> {
  const builder = new AxeBuilder({ page }).withTags(TAGS).include(['[data-testid="miniapp-frame"]', 'html']);
  const { violations } = await builder.analyze();
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id} ${target.join(' ')}`));
  expect.soft(found, name).toEqual([]);
}

/** Everything this page's scripts send to us from now on. */
function watchRequests({ page }: Phone): string[] {
  const sent: string[] = [];
  page.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
  return sent;
}

test('a key is made on the device, saved, and in use; its private part goes nowhere', async ({ newPhone }) => {
  test.slow();
  const phone = await newPhone({ balance: 1_000 });
  const { app, page, words } = phone;
  await openCentre(phone);
  await expect(app.getByTestId('keys-waiting')).toContainText(words('app.keys.emptyTitle'));
  await expectClean(phone, 'no key');
  const sent = watchRequests(phone);
  await app.getByTestId('key-make').click();

  await expect(phone.mainButton).toBeDisabled();
  await app.getByTestId('new-key-passphrase').fill('too short');
  await expect(app.getByText(words('app.keys.new.strength.short', { missing: 3 }))).toBeVisible();
  await app.getByTestId('new-key-passphrase').fill(PASSPHRASE);
  await app.getByTestId('new-key-again').fill('correct horse');
  await expect(app.getByText(words('app.keys.new.differ'))).toBeVisible();
  await expect(phone.mainButton).toBeDisabled();
  await expectClean(phone, 'passphrase');
  await app.getByTestId('new-key-again').fill(PASSPHRASE);
  await phone.pressMain('app.keys.new.make');

  // It does not count before there is a copy, and its owner knows it again.
  await phone.expectScreen('app.keys.new.backup.title');
  const fingerprint = ((await app.getByTestId('fingerprint').textContent()) ?? '').replace(/\s/g, '');
  const end = fingerprint.slice(-4);
  await app.getByTestId('backup-confirm').fill(end);
  await expect(phone.mainButton).toBeDisabled();
  const [download] = await Promise.all([page.waitForEvent('download'), app.getByTestId('backup-file').click()]);
  expect(download.suggestedFilename()).toBe(`hoshi-key-${end}.asc`);
  await expect(app.getByTestId('backup-saved')).toContainText(download.suggestedFilename());
  await app.getByTestId('backup-confirm').fill('zzzz');
  await expect(app.getByText(words('app.keys.new.backup.confirmWrong'))).toBeVisible();
  await expect(phone.mainButton).toBeDisabled();
  await expectClean(phone, 'backup');
  const [certificate] = await Promise.all([page.waitForEvent('download'), app.getByTestId('revocation-file').click()]);
  expect(readFileSync(await certificate.path(), 'utf8')).toContain('BEGIN PGP PUBLIC KEY BLOCK');
  await app.getByTestId('backup-confirm').fill(end.toLowerCase());
  await phone.pressMain('app.keys.new.backup.done');
  await expect(app.getByTestId('new-key-done')).toContainText(words('app.keys.new.kept'));
  await expectClean(phone, 'done');
  await phone.pressMain('app.keys.new.done');

  // The backup is the private key, locked.
  const backup = readFileSync(await download.path(), 'utf8');
  const locked = await readPrivateKey({ armoredKey: backup });
  expect(locked.isDecrypted()).toBe(false);
  expect(locked.getFingerprint().toUpperCase()).toBe(fingerprint);
  expect((await decryptKey({ privateKey: locked, passphrase: PASSPHRASE })).isDecrypted()).toBe(true);
  const line = backup.split('\n').find((text) => /^[A-Za-z0-9+/]{60,}$/.test(text.trim())) ?? '';
  expect(line).not.toBe('');
  expect(sent.some((request) => request.includes('BEGIN PGP PUBLIC KEY BLOCK'))).toBe(true);
  for (const secret of ['PRIVATE KEY', line, PASSPHRASE])
    expect(sent.filter((request) => request.includes(secret))).toEqual([]);

  const row = app.getByTestId(/^key-row-/);
  await expect(row).toContainText(words('app.keys.state.active'));
  await expectClean(phone, 'one key');
  await row.click();
  await expect(app.getByTestId('fingerprint')).toContainText(end);

  // Kept by the client, it opens with its passphrase alone; elsewhere with the backup.
  await expect(app.getByText(words('app.keys.open.kept'))).toBeVisible();
  await app.getByTestId('key-passphrase').fill('wrong passphrase');
  await app.getByTestId('key-open').click();
  await expect(app.getByTestId('key-trouble')).toContainText(words('app.keys.open.wrong_passphrase'));
  await app.getByTestId('key-passphrase').fill(PASSPHRASE);
  await app.getByTestId('key-open').click();
  await expect(app.getByTestId('key-opened')).toBeVisible();
  await app
    .getByTestId('key-backup')
    .setInputFiles({ name: 'other.asc', mimeType: 'text/plain', buffer: Buffer.from(capturedKey('curve-private')) });
  await app.getByTestId('key-passphrase').fill('anything');
  await app.getByTestId('key-open').click();
  await expect(app.getByTestId('key-trouble')).toContainText(words('app.keys.open.other_key', { end }));
  await app.getByTestId('key-backup').setInputFiles(await download.path());
  await app.getByTestId('key-passphrase').fill(PASSPHRASE);
  await app.getByTestId('key-open').click();
  await expect(app.getByTestId('key-opened')).toBeVisible();
  await expectClean(phone, 'key');

  await app.getByTestId('key-retire').click();
  await page.getByTestId('popup-button-yes').click();
  await expect(app.getByTestId('key-state')).toHaveText(words('app.keys.state.retired'));
  await page.getByTestId('miniapp-back').click();
  await expect(app.getByTestId('keys-waiting')).toContainText(words('app.keys.waitingTitle'));
});

test('a client that keeps nothing and downloads nothing still gives a copy', async ({ newPhone, sandbox }) => {
  await sandbox.setFaults({ client_version: '8.0' });
  const phone = await newPhone();
  const { app, words } = phone;
  await openCentre(phone);
  await app.getByTestId('key-make').click();
  await app.getByTestId('new-key-passphrase').fill(PASSPHRASE);
  await app.getByTestId('new-key-again').fill(PASSPHRASE);
  await phone.pressMain('app.keys.new.make');
  await phone.expectScreen('app.keys.new.backup.title');
  await expect(app.getByText(words('app.keys.new.backup.keep'))).toHaveCount(0);
  await app.getByTestId('backup-copy').click();
  await expect(app.getByTestId('backup-saved').or(app.getByTestId('backup-text'))).toBeVisible();
  const fingerprint = (await app.getByTestId('fingerprint').textContent()) ?? '';
  await app.getByTestId('backup-confirm').fill(fingerprint.slice(-4));
  await phone.pressMain('app.keys.new.backup.done');
  await expect(app.getByTestId('new-key-done')).toHaveText(new RegExp(`${words('app.keys.new.doneText')}$`));
});

test('a key of GnuPG is added, and proven with the code that it reads', async ({ newPhone }) => {
  test.slow();
  const phone = await newPhone({ language: 'ja' });
  const { app, page, words } = phone;
  await openCentre(phone);
  await app.getByTestId('key-have').click();
  await phone.expectScreen('app.keys.upload.title');
  await expectClean(phone, 'upload');
  await app.getByTestId('key-file').setInputFiles({
    name: 'key.asc',
    mimeType: 'application/pgp-keys',
    buffer: Buffer.from(capturedKey('curve')),
  });
  await expect(app.getByTestId('key-text')).toHaveValue(/BEGIN PGP PUBLIC KEY BLOCK/);
  await app.getByTestId('key-send').click();
  await expect(app.getByTestId('key-proof')).toBeVisible();
  await expect(app.getByTestId('key-state')).toHaveText(words('app.keys.state.unproven'));
  await expectClean(phone, 'proof');

  // The way to the computer may be long: the message is there when one comes back.
  await phone.reopenApp();
  await app.getByTestId('way-settings').click();
  await app.getByTestId('settings-privacy').click();
  await app.getByTestId(/^key-row-/).click();
  await app.getByTestId('key-code').fill('AAAAAAAA');
  await app.getByTestId('key-prove').click();
  await expect(app.getByTestId('key-trouble')).toContainText('あと4回');
  await expectClean(phone, 'wrong code');
  const message = await readMessage({ armoredMessage: await app.getByTestId('key-message').inputValue() });
  const decryptionKeys = await readPrivateKey({ armoredKey: capturedKey('curve-private') });
  const { data: code } = await decrypt({ message, decryptionKeys });
  await app.getByTestId('key-code').fill(code.trim());
  await app.getByTestId('key-prove').click();
  await expect(app.getByTestId('key-proven')).toBeVisible();
  await expect(app.getByTestId('key-state')).toHaveText(words('app.keys.state.active'));

  // The same key once more is no second one.
  await page.getByTestId('miniapp-back').click();
  await app.getByTestId('key-have').click();
  await app.getByTestId('key-text').fill(capturedKey('curve'));
  await app.getByTestId('key-send').click();
  await expect(app.getByTestId('key-merged')).toContainText(words('app.keys.upload.updatedTitle'));
});

test('a bad key is refused in plain words, and a private one does not leave the device', async ({ newPhone }) => {
  const phone = await newPhone();
  const { app, words } = phone;
  await openCentre(phone);
  await app.getByTestId('key-have').click();
  const text = app.getByTestId('key-text');
  for (const [name, reason] of [
    ['expired', 'error.key_expired'],
    ['dsa', 'error.key_weak'],
    ['sign-only', 'error.key_sign_only'],
  ] as const) {
    await text.fill(capturedKey(name));
    await app.getByTestId('key-send').click();
    await expect(app.getByTestId('key-trouble')).toHaveText(words(reason));
    await expect(text).toHaveValue(capturedKey(name));
  }
  await expectClean(phone, 'refused');

  const sent = watchRequests(phone);
  await text.fill(capturedKey('curve-private'));
  await expect(app.getByTestId('key-trouble')).toHaveText(words('app.keys.upload.private'));
  await expect(text).toHaveValue('');
  await expect(app.getByTestId('key-send')).toBeDisabled();
  await app
    .getByTestId('key-file')
    .setInputFiles({ name: 'key.gpg', mimeType: 'application/octet-stream', buffer: Buffer.from([0x99, 0xff, 0xfe]) });
  await expect(app.getByTestId('key-trouble')).toHaveText(words('app.keys.upload.fileUnreadable'));
  await text.fill('nothing of the kind');
  await app.getByTestId('key-send').click();
  await expect(app.getByTestId('key-trouble')).toHaveText(words('error.key_no_block'));
  expect(sent.filter((request) => request.includes('PRIVATE KEY'))).toEqual([]);
});
