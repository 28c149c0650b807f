import { expect, test } from './fixtures/test.ts';

/** Issue: the Mini App's first load. */
const SCRIPT_BUDGET_BYTES = 190 * 1024;

test('the first load of the Mini App stays within its script budget', async ({ newPhone, context, sandbox }) => {
  const { bot } = await sandbox.state();
  const { origin } = new URL(bot.menu_button?.url ?? '');
  const sizes: Array<Promise<{ url: string; bytes: number; encoding: string | null }>> = [];
  context.on('requestfinished', (request) => {
    if (!request.url().startsWith(origin) || request.resourceType() !== 'script') return;
    const size = async () => {
      const { responseBodySize } = await request.sizes();
      const encoding = (await (await request.response())?.headerValue('content-encoding')) ?? null;
      return { url: request.url(), bytes: responseBodySize, encoding };
    };
    sizes.push(size());
  });
  const phone = await newPhone();
  await phone.openApp();
  await expect(phone.app.getByTestId('plan-card-personal-pro')).toBeVisible();
  await phone.page.waitForLoadState('networkidle');

  const scripts = await Promise.all(sizes);
  expect(scripts.length).toBeGreaterThan(0);
  expect(scripts.filter(({ encoding }) => encoding !== 'gzip' && encoding !== 'br')).toEqual([]);
  const total = scripts.reduce((sum, { bytes }) => sum + bytes, 0);
  const words = `${scripts.length} scripts, ${total} bytes (${(total / 1024).toFixed(1)} KiB) of ${SCRIPT_BUDGET_BYTES}`;
  console.log(`    first load: ${words}`);
  test.info().annotations.push({ type: 'first load', description: words });
  expect(total).toBeLessThanOrEqual(SCRIPT_BUDGET_BYTES);
});
