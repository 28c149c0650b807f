import { describe, expect, it } from 'vitest';
import { makeGate } from './gate.ts';

/** Work that ends when it is told to. */
function makeWork() {
  const started: string[] = [];
  const ends = new Map<string, { resolve: (name: string) => void; reject: (error: Error) => void }>();
  const work = (name: string) => () => {
    started.push(name);
    return new Promise<string>((resolve, reject) => ends.set(name, { resolve, reject }));
  };
  return {
    started,
    work,
    end: (name: string) => ends.get(name)?.resolve(name),
    fail: (name: string) => ends.get(name)?.reject(new Error(name)),
  };
}

describe('a gate', () => {
  it('lets so much in at once, so much wait, and refuses the rest at once', async () => {
    const { end, started, work } = makeWork();
    const enter = makeGate({ atOnce: 2, waiting: 2, perCaller: 9 });
    const entered = ['a', 'b', 'c', 'd', 'e'].map((name) => enter(name, work(name)));
    expect(entered.map((each) => each !== null)).toEqual([true, true, true, true, false]);
    expect(started).toEqual(['a', 'b']);
    end('b');
    expect(await entered[1]).toBe('b');
    expect(started).toEqual(['a', 'b', 'c']);
    // The place of who was let in is free again.
    expect(enter('f', work('f'))).not.toBeNull();
    expect(enter('g', work('g'))).toBeNull();
    end('a');
    end('c');
    await Promise.all([entered[0], entered[2]]);
    expect(started).toEqual(['a', 'b', 'c', 'd', 'f']);
  });

  it('keeps room for others from one caller, until what they asked for is done', async () => {
    const { end, work } = makeWork();
    const enter = makeGate({ atOnce: 1, waiting: 5, perCaller: 2 });
    const first = enter('greedy', work('1'));
    expect(enter('greedy', work('2'))).not.toBeNull();
    expect(enter('greedy', work('3'))).toBeNull();
    expect(enter('other', work('4'))).not.toBeNull();
    end('1');
    await first;
    expect(enter('greedy', work('5'))).not.toBeNull();
    expect(enter('greedy', work('6'))).toBeNull();
  });

  it('goes on after work that failed', async () => {
    const { end, fail, started, work } = makeWork();
    const enter = makeGate({ atOnce: 1, waiting: 1, perCaller: 1 });
    const broken = enter('a', work('a'));
    const next = enter('b', work('b'));
    fail('a');
    await expect(broken).rejects.toThrow('a');
    expect(started).toEqual(['a', 'b']);
    end('b');
    expect(await next).toBe('b');
    expect(enter('a', work('c'))).not.toBeNull();
  });
});
