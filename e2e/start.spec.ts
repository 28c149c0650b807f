import { expect, test } from './fixtures/test.ts';

test('npm start leads to a Telegram in the browser, ready to buy', async ({ page, sandbox }) => {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto('/');
  await expect(page.locator('#root')).not.toBeEmpty();
  expect(errors).toEqual([]);
  const state = await sandbox.send<{ webhook: { url: string } }>('GET', '/sim/state');
  expect(state.webhook.url).not.toBe('');
});
