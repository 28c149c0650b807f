import { describe, expect, it } from 'vitest';
import { openWorld } from '../../testing/world.ts';
import { dataKeyOf, subjectOf, telegramIdOf } from './account.ts';
import { ensureUser } from './ensure-user.ts';
import { findUserByTelegramId } from './find-user.ts';
import { moveAccounts } from './move-accounts.ts';

const world = openWorld();
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'done',
    (error: { reason?: string }) => error.reason,
  );

describe('which Telegram account a person is', () => {
  it('is read with the person’s own key, and stands nowhere in plain text', async () => {
    const { id } = await ensureUser(world.door, { telegramId: 765_432_101n, languageCode: 'en' });
    expect(await telegramIdOf(world.door, id)).toBe(765_432_101n);
    const [row] = await world.sql<{ whole: string }>(
      `SELECT u::text || l::text || encode(l.sealed, 'escape') || encode(l.subject, 'escape') AS whole
       FROM users u JOIN identity_link l ON l.user_id = u.id WHERE u.id = $1`,
      [id],
    );
    expect(row?.whole).toContain(id);
    expect(row?.whole).not.toContain('765432101');
  });

  it('is found by its keyed hash', async () => {
    const { id } = await ensureUser(world.door, { telegramId: 765_432_102n, languageCode: 'en' });
    const [row] = await world.sql('SELECT user_id FROM identity_link WHERE subject = $1', [
      Buffer.from(subjectOf(world.door, 765_432_102n), 'hex'),
    ]);
    expect(row).toEqual({ user_id: id });
  });

  it('is gone with its link, and the person’s key with it', async () => {
    const { id } = await ensureUser(world.door, { telegramId: 765_432_103n, languageCode: 'en' });
    expect(await dataKeyOf(world.door, id)).toHaveLength(32);
    await world.sql('DELETE FROM identity_link WHERE user_id = $1', [id]);
    expect(await refusal(telegramIdOf(world.door, id))).toBe('user_not_found');
    expect(await refusal(dataKeyOf(world.door, id))).toBe('user_not_found');
    expect(await findUserByTelegramId(world.door, 765_432_103n)).toBeNull();
    // Who comes back is somebody new.
    expect((await ensureUser(world.door, { telegramId: 765_432_103n, languageCode: 'en' })).id).not.toBe(id);
  });

  it('is moved out of the table of people, by many processes at once', async () => {
    await world.sql(
      `INSERT INTO users (id, telegram_id, language) SELECT 'usr_old' || n, 860000000 + n, 'ja' FROM generate_series(1, 1200) AS n`,
    );
    const moved = await Promise.all(Array.from({ length: 4 }, () => moveAccounts(world.system)));
    expect(moved.reduce((sum, count) => sum + count)).toBe(1_200);
    expect(await moveAccounts(world.system)).toBe(0);
    expect(await world.sql('SELECT 1 FROM users WHERE telegram_id IS NOT NULL')).toEqual([]);
    expect((await findUserByTelegramId(world.door, 860_000_777n))?.id).toBe('usr_old777');
    expect(await telegramIdOf(world.door, 'usr_old777')).toBe(860_000_777n);
  });
});
