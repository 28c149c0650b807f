import { watchScripts } from './fixtures/scripts.ts';
import { expect, test } from './fixtures/test.ts';

/** Issue: the Mini App's first load. */
const SCRIPT_BUDGET_BYTES = 190 * 1024;

test('the first load of the Mini App stays within its script budget', async ({ newPhone, context, sandbox }) => {
  const { bot } = await sandbox.state();
  const { origin } = new URL(bot.menu_button?.url ?? '');
  const scripts = watchScripts(context, origin);
  const phone = await newPhone();
  await phone.openApp();
  await expect(phone.app.getByTestId('plan-card-personal-pro')).toBeVisible();
  await phone.page.waitForLoadState('networkidle');

  const { total, words } = await scripts.sum();
  console.log(`    first load: ${words} of ${SCRIPT_BUDGET_BYTES}`);
  test.info().annotations.push({ type: 'first load', description: words });
  expect(total).toBeLessThanOrEqual(SCRIPT_BUDGET_BYTES);
});
