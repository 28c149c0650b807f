import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from './fixtures/test.ts';

/** The directives of a policy by name. */
function directives(policy: string): Map<string, string> {
  return new Map(
    policy.split(';').map((part) => {
      const [name = '', ...values] = part.trim().split(/\s+/);
      return [name, values.join(' ')];
    }),
  );
}

test('the content security policy is strict, and its nonce new each time', async ({ request, sandbox, baseURL }) => {
  const { bot } = await sandbox.state();
  const url = bot.menu_button?.url ?? '';
  const nonces = new Set<string>();
  for (let turn = 0; turn < 2; turn += 1) {
    const response = await request.get(url);
    const policy = directives(response.headers()['content-security-policy'] ?? '');
    expect(policy.get('default-src')).toBe("'none'");
    expect(policy.get('frame-ancestors')).toBe(baseURL);
    expect(policy.get('connect-src')).toBe("'self'");
    expect(policy.get('base-uri')).toBe("'none'");
    expect(policy.get('object-src')).toBe("'none'");
    const scripts = policy.get('script-src') ?? '';
    expect(scripts).not.toMatch(/unsafe-inline|unsafe-eval|https?:|\*/);
    const [, nonce = ''] = /'nonce-([\w+/=]{22,})'/.exec(scripts) ?? [];
    nonces.add(nonce);
    expect(policy.get('style-src') ?? '').not.toContain('unsafe-inline');
    // Every inline script of the page bears the nonce.
    const inline = (await response.text()).match(/<script(?![^>]*\bsrc=)[^>]*>/g) ?? [];
    expect(inline.length).toBeGreaterThan(0);
    expect(inline.filter((tag) => !tag.includes(`nonce="${nonce}"`))).toEqual([]);
  }
  expect(nonces.size).toBe(2);
});

test('nobody but Telegram may frame the Mini App', async ({ page, sandbox, baseURL }) => {
  const { url } = await sandbox.launch({ user_id: (await sandbox.addUser()).id });
  const elsewhere = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>Elsewhere'));
  await new Promise<void>((resolve) => elsewhere.listen(0, 'localhost', resolve));
  const { port } = elsewhere.address() as AddressInfo;
  // The same host on another port, and the sandbox's own page under another name.
  for (const address of [`http://localhost:${port}`, (baseURL ?? '').replace('localhost', '127.0.0.1')]) {
    await page.goto(address);
    const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
    await page.evaluate((src) => {
      const frame = document.createElement('iframe');
      frame.src = src;
      document.body.replaceChildren(frame);
    }, url);
    await refused;
    await expect.poll(() => page.frames()[1]?.url()).toContain('chrome-error://');
    expect(await page.frames()[1]?.content()).not.toContain('Hoshi');
  }
  elsewhere.close();
});

test('files and answers bear the headers that keep them in their place', async ({ request, sandbox }) => {
  const { bot } = await sandbox.state();
  const page = await request.get(bot.menu_button?.url ?? '');
  expect(page.headers()).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'permissions-policy': expect.stringContaining('payment=()'),
  });
  expect(page.headers()['set-cookie']).toBeUndefined();
  expect(page.headers()['x-powered-by']).toBeUndefined();
});
