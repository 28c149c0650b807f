import { describe, expect, it } from 'vitest';
import { telegramIdOf } from '#domain/identity/account.ts';
import { makeVault } from '#lib/vault.ts';
import { CATALOG } from '../../testing/catalog.ts';
import { openWorld } from '../../testing/world.ts';
import { rotateDataKey } from './rotate-data-key.ts';

const world = openWorld();
const OLD = new Uint8Array(32).fill(7);
const keys = { dataKey: new Uint8Array(32).fill(9), subjectKey: new Uint8Array(32).fill(8) };
const during = () => ({ ...world.system, vault: makeVault({ ...keys, previousDataKey: OLD }) });
const rotated = () => ({ ...world.system, vault: makeVault({ ...keys, previousDataKey: null }) });

describe('replacing the data key', () => {
  it('wraps every person’s key anew, and leaves what lies under theirs', async () => {
    const buyers = await Promise.all(Array.from({ length: 5 }, () => world.newBuyer()));
    await world.buy(buyers[0] ?? (await world.newBuyer()), CATALOG.pluginOnce);
    await world.sql(
      `INSERT INTO webhook_event (id, provider, event_id, kind, status, body, received_at) VALUES ('whe_x', 'x', '~x', 'x', 'failed', $1, now())`,
      [Buffer.from(world.system.vault.seal(Buffer.from('raw')))],
    );
    await expect(telegramIdOf(rotated(), buyers[0]?.id ?? '')).rejects.toThrow();
    const changed = await rotateDataKey(during());
    expect(changed['identity_link.data_key']).toBeGreaterThanOrEqual(5);
    expect(changed['webhook_event.body']).toBeGreaterThanOrEqual(1);
    expect(await rotateDataKey(during())).toEqual({
      'identity_link.data_key': 0,
      'payment_method.sealed': 0,
      'payment_method.page': 0,
      'webhook_event.body': 0,
    });
    for (const { id, telegramId } of buyers) expect(await telegramIdOf(rotated(), id)).toBe(telegramId);
    const [event] = await world.sql<{ body: Buffer }>("SELECT body FROM webhook_event WHERE id = 'whe_x'");
    expect(
      rotated()
        .vault.open(event?.body ?? Buffer.alloc(0))
        .toString(),
    ).toBe('raw');
  });

  it('stops where something opens with neither key, and has lost nothing', async () => {
    const buyer = await world.newBuyer();
    const stranger = makeVault({ ...keys, dataKey: new Uint8Array(32).fill(1), previousDataKey: null });
    const foreign = Buffer.from(stranger.seal(Buffer.alloc(32)));
    await world.sql('UPDATE identity_link SET data_key = $2 WHERE user_id = $1', [buyer.id, foreign]);
    await expect(rotateDataKey(during())).rejects.toThrow();
    const [row] = await world.sql<{ data_key: Buffer }>('SELECT data_key FROM identity_link WHERE user_id = $1', [
      buyer.id,
    ]);
    expect(row?.data_key).toEqual(foreign);
  });
});
