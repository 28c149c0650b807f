import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Store } from './store.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hoshi-store-'));
});
afterEach(() => rm(dir, { recursive: true }));

it('is rewritten before its file grows without bound, and loses nothing by it', async () => {
  const store = new Store(dir, () => undefined, { compactFromBytes: 20_000, flushDelayMs: 0 });
  const table = store.table<{ value: string }>('things');
  store.load();
  for (let round = 0; round < 40; round += 1) {
    for (let key = 0; key < 50; key += 1) table.set(key, { value: `${round}:${key}:${'x'.repeat(40)}` });
    table.delete(round);
    await store.flushed();
  }
  table.set('last', { value: 'word' });
  await store.close();
  expect((await readFile(join(dir, 'state.jsonl'))).length).toBeLessThan(40_000);
  const again = new Store(dir, () => undefined);
  const copy = again.table<{ value: string }>('things');
  again.load();
  await again.close();
  expect([...copy.entries()].sort()).toEqual([...table.entries()].sort());
  expect(copy.size).toBe(50);
});
