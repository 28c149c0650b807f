import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Chrome, freshChrome } from './app-chrome.ts';
import { type BridgeHost, findHandler } from './bridge.ts';
import { atLeast, parseBridgeMessage } from './bridge-fields.ts';

type Posted = [name: string, data: unknown];

function host(overrides: Partial<BridgeHost> = {}) {
  const posted: Posted[] = [];
  let chrome: Chrome = freshChrome;
  const created: BridgeHost = {
    userId: 7,
    nowMs: () => 1_700_000_000_500,
    post: (name, data) => void posted.push([name, data]),
    changeChrome: (change) => {
      chrome = change(chrome);
    },
    sendTheme: vi.fn(),
    sendViewport: vi.fn(),
    close: vi.fn(),
    openInvoice: async () => ['paid', 'cancelled'],
    openPopup: async () => 'yes',
    openLink: vi.fn(),
    haptic: vi.fn(),
    askWriteAccess: async () => false,
    askDownload: async () => true,
    ...overrides,
  };
  return { host: created, posted, chrome: () => chrome };
}

async function send(to: BridgeHost, name: string, data?: unknown, version = '9.1'): Promise<boolean> {
  const handle = findHandler(name, version);
  await handle?.(to, data);
  return handle !== undefined;
}

beforeEach(() => {
  const items = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  });
});

describe('messages of a Mini App', () => {
  it('are JSON strings with an eventType, nothing else', () => {
    expect(parseBridgeMessage('{"eventType":"web_app_ready"}')).toEqual({ name: 'web_app_ready', data: undefined });
    for (const raw of [{ eventType: 'web_app_ready' }, 'x', '[]', 'null', '{"eventType":1}', 'x'.repeat(100_001)]) {
      expect(parseBridgeMessage(raw)).toBeUndefined();
    }
  });

  it('compare versions by number, not by text', () => {
    expect(atLeast('7.10', '7.2')).toBe(true);
    expect(atLeast('6.9', '6.10')).toBe(false);
    expect(atLeast('6.0', '6.0')).toBe(true);
  });

  it('are ignored by clients older than the method, and when they are no method', async () => {
    const { host: to, posted } = host();
    expect(await send(to, 'web_app_open_invoice', { slug: 'a' }, '6.0')).toBe(false);
    expect(await send(to, 'constructor')).toBe(false);
    expect(await send(to, 'web_app_data_send', { data: 'x' })).toBe(false);
    expect(posted).toEqual([]);
  });
});

describe('native frame', () => {
  it('merges button parameters and ignores what is not one', async () => {
    const { host: to, chrome } = host();
    await send(to, 'web_app_setup_main_button', { is_visible: true, text: ' Pay 150 ★ ', color: '#112233' });
    await send(to, 'web_app_setup_main_button', { is_progress_visible: true, is_active: 'no', text: '' });
    expect(chrome().main).toMatchObject({ visible: true, active: true, progress: true, text: 'Pay 150 ★' });
    expect(chrome().main.color).toBe('#112233');
  });

  it('forgets everything but its size when the page reloads', async () => {
    const { host: to, chrome } = host();
    for (const name of ['web_app_ready', 'web_app_expand']) await send(to, name);
    await send(to, 'web_app_setup_back_button', { is_visible: true });
    expect(chrome()).toMatchObject({ ready: true, expanded: true, backVisible: true });
    await send(to, 'iframe_will_reload');
    expect(chrome()).toEqual({ ...freshChrome, expanded: true });
  });
});

describe('answers', () => {
  it('reports every status of an invoice, in order', async () => {
    const { host: to, posted } = host();
    await send(to, 'web_app_open_invoice', { slug: 'abc' });
    expect(posted).toEqual([
      ['invoice_closed', { slug: 'abc', status: 'paid' }],
      ['invoice_closed', { slug: 'abc', status: 'cancelled' }],
    ]);
  });

  it('names the pressed button of a popup, and none when it was dismissed', async () => {
    const popup = { title: 't', message: 'm', buttons: [{ id: 'yes', type: 'ok' }] };
    const pressed = host();
    await send(pressed.host, 'web_app_open_popup', popup);
    expect(pressed.posted).toEqual([['popup_closed', { button_id: 'yes' }]]);
    const dismissed = host({ openPopup: async () => undefined });
    await send(dismissed.host, 'web_app_open_popup', popup);
    expect(dismissed.posted).toEqual([['popup_closed', {}]]);
    const silent = host();
    await send(silent.host, 'web_app_open_popup', { ...popup, message: '' });
    expect(silent.posted).toEqual([]);
  });

  it('opens Telegram links on t.me, whatever the slashes', async () => {
    const { host: to } = host();
    await send(to, 'web_app_open_tg_link', { path_full: '/bot?start=1' });
    expect(to.openLink).toHaveBeenCalledWith('https://t.me/bot?start=1');
  });

  it('refuses the phone number', async () => {
    const { host: to, posted } = host();
    await send(to, 'web_app_request_phone');
    expect(posted).toEqual([['phone_requested', { status: 'cancelled' }]]);
  });
});

describe('storage', () => {
  const invoke = async (userId: number, method: string, params: unknown) => {
    const { host: to, posted } = host({ userId });
    await send(to, 'web_app_invoke_custom_method', { req_id: 'r', method, params });
    return posted[0]?.[1];
  };

  it('keeps cloud values per user', async () => {
    expect(await invoke(1, 'saveStorageValue', { key: 'a', value: 'b' })).toEqual({ req_id: 'r', result: true });
    expect(await invoke(1, 'getStorageValues', { keys: ['a', 'c'] })).toMatchObject({ result: { a: 'b', c: '' } });
    expect(await invoke(1, 'getStorageKeys', {})).toMatchObject({ result: ['a'] });
    expect(await invoke(2, 'getStorageKeys', {})).toMatchObject({ result: [] });
    expect(await invoke(1, 'deleteStorageValues', { keys: 'a' })).toMatchObject({ result: true });
    expect(await invoke(1, 'getStorageKeys', {})).toMatchObject({ result: [] });
  });

  it('refuses bad keys and unknown methods', async () => {
    expect(await invoke(1, 'saveStorageValue', { key: 'a b', value: '' })).toMatchObject({ error: 'KEY_INVALID' });
    expect(await invoke(1, 'saveStorageValue', { key: 'a' })).toMatchObject({ error: 'VALUE_INVALID' });
    expect(await invoke(1, 'dropTables', {})).toMatchObject({ error: 'METHOD_NOT_FOUND' });
    expect(await invoke(1, 'getCurrentTime', {})).toMatchObject({ result: 1_700_000_000 });
  });

  it('holds ten items in secure storage', async () => {
    const { host: to, posted } = host();
    for (let index = 0; index < 11; index += 1) {
      await send(to, 'web_app_secure_storage_save_key', { req_id: 'r', key: `k${index}`, value: 'v' });
    }
    expect(posted.filter(([name]) => name === 'secure_storage_key_saved')).toHaveLength(10);
    expect(posted.at(-1)).toEqual(['secure_storage_failed', { req_id: 'r', error: 'QUOTA_EXCEEDED' }]);
  });
});
