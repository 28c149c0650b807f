import { describe, expect, it } from 'vitest';
import { useWorld } from './testing/world.ts';

const PATH = '/api/v1/privacy/export';

describe('a copy of one’s data over REST', () => {
  const world = useWorld();

  it('is asked for and looked after by its owner’s session', async () => {
    const [owner, other] = [await world.person(), await world.person()];
    const nothing = await world.call('GET', PATH, { as: owner.token });
    expect([nothing.status, nothing.body]).toEqual([200, { success: true, export: null }]);
    const asked = await world.call('POST', PATH, { as: owner.token, json: {} });
    expect([asked.status, asked.body]).toMatchObject([
      202,
      { success: true, export: { status: 'requested', progress: 0, obstacle: null, documents: 0, sha256: null } },
    ]);
    const again = await world.call('POST', PATH, { as: owner.token, json: {} });
    expect(again.body['export']).toEqual(asked.body['export']);
    expect((await world.call('GET', PATH, { as: owner.token })).body['export']).toEqual(asked.body['export']);
    expect((await world.call('GET', PATH, { as: other.token })).body['export']).toBeNull();
    expect(await world.ctx.db.job.findMany({ where: { name: 'export_data' } })).toHaveLength(1);
  });

  it('is nothing for strangers and servers, whatever their keys may do', async () => {
    for (const as of [undefined, await world.key()])
      for (const [method, json] of [
        ['GET', undefined],
        ['POST', {}],
      ] as const) {
        const { body, status } = await world.call(method, PATH, { as, ...(json && { json }) });
        expect([status, body['error']], method).toMatchObject([401, { reason: 'session_missing' }]);
      }
  });
});
