import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const ID = 'pmt_01kahw9d6xq3v7c0mtz8b5r2ny';
const BACK = 'A-z0_9A-z0_9A-z0_9A-z0';

/** A page at an address; loaded anew it has forgotten all but what its tab stores. */
async function load(address: string, storage: Partial<Storage>) {
  vi.resetModules();
  const location = { href: address };
  vi.stubGlobal('location', location);
  vi.stubGlobal('sessionStorage', storage);
  vi.stubGlobal('history', {
    state: { kept: true },
    replaceState(state: unknown, _: string, url: URL) {
      expect(state).toEqual({ kept: true });
      location.href = url.href;
    },
  });
  const { browserSecrets } = await import('#ui/methods/browser-secrets.ts');
  return { location, secretsOf: () => browserSecrets(ID) };
}

function tab(): Partial<Storage> {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, text) => void items.set(key, text),
  };
}

describe('the secrets of a browser', () => {
  let storage: Partial<Storage>;
  beforeEach(() => {
    storage = tab();
  });
  afterEach(() => vi.unstubAllGlobals());

  it('are its own, and stay the same when the page is left and come back to', async () => {
    const page = await load(`https://hoshi.example/methods/${ID}`, storage);
    const first = page.secretsOf();
    expect(first).toEqual({ secret: expect.stringMatching(/^[\w-]{22}$/), back: null });
    expect(page.secretsOf()).toEqual(first);
    const back = await load(`https://hoshi.example/methods/${ID}?lang=ja&back=${BACK}`, storage);
    expect(back.secretsOf()).toEqual({ secret: first.secret, back: BACK });
    const other = await load(`https://hoshi.example/methods/${ID}`, tab());
    expect(other.secretsOf().secret).not.toBe(first.secret);
  });

  it('leave nothing in the address, and are known after a reload all the same', async () => {
    const page = await load(`https://hoshi.example/methods/${ID}?lang=ja&back=${BACK}#top`, storage);
    const first = page.secretsOf();
    expect(page.location.href).toBe(`https://hoshi.example/methods/${ID}?lang=ja#top`);
    const reloaded = await load(page.location.href, storage);
    expect(reloaded.secretsOf()).toEqual(first);
  });

  it('are not what anybody writes into the address', async () => {
    const page = await load(`https://hoshi.example/methods/${ID}?back=nonsense`, storage);
    expect(page.secretsOf().back).toBeNull();
    expect(page.location.href).not.toContain('back');
  });

  it('last until the page is left where nothing may be stored', async () => {
    const refuse = () => {
      throw new DOMException('denied', 'SecurityError');
    };
    const page = await load(`https://hoshi.example/methods/${ID}?back=${BACK}`, { getItem: refuse, setItem: refuse });
    const first = page.secretsOf();
    expect(first.back).toBe(BACK);
    expect(page.secretsOf()).toEqual(first);
  });
});
