import { describe, expect, it } from 'vitest';
import { printReceipt } from './print-receipt.ts';
import { receipt } from './testing/receipt.ts';

/** The receipt of another payment each time. */
const view = (name: string) => receipt('en', { id: `pay_${name}` });

/** What came of asking. */
async function ask(name: string, caller: string, done: string[] = []): Promise<unknown> {
  try {
    const { etag } = await printReceipt(view(name), 'en', caller);
    done.push(name);
    return etag;
  } catch (error) {
    return error;
  }
}

const BUSY = { kind: 'unavailable', reason: 'busy', retryAfterSeconds: 2 };

describe('printing receipts', () => {
  it('refuses what one caller asks for beyond a few, and lets others in', async () => {
    const done: string[] = [];
    const greedy = Array.from({ length: 50 }, (_, index) => ask(`greedy${index}`, 'greedy', done));
    const other = ask('other', 'other', done);
    const answers = await Promise.all(greedy);
    expect(await other).toMatch(/^"/);
    expect(answers.filter((each) => typeof each === 'string')).toHaveLength(6);
    for (const refused of answers.slice(6)) expect(refused).toMatchObject(BUSY);
    // There is room again.
    expect(await ask('later', 'greedy')).toMatch(/^"/);
  });

  it('refuses everyone when too many wait, and gives the rest of the process its turns meanwhile', async () => {
    let [turns, isOver] = [0, false];
    const turn = () => {
      turns += 1;
      if (!isOver) setImmediate(turn);
    };
    setImmediate(turn);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => ask(`c${index}`, `caller${index}`)));
    isOver = true;
    expect(answers.filter((each) => typeof each === 'string')).toHaveLength(17);
    for (const refused of answers.slice(17)) expect(refused).toMatchObject(BUSY);
    expect(turns).toBeGreaterThanOrEqual(2 * 17);
  });

  it('keeps what it printed: the same is printed once, also while it is being printed', async () => {
    const all = await Promise.all(Array.from({ length: 50 }, () => printReceipt(view('same'), 'en', 'reader')));
    expect(new Set(all).size).toBe(1);
    expect(await printReceipt(view('same'), 'en', 'another')).toBe(all[0]);
    const other = await printReceipt(view('same'), 'ja', 'reader');
    expect(other.etag).not.toBe(all[0]?.etag);
  });

  it('forgets the oldest', async () => {
    const first = await printReceipt(view('first'), 'en', 'reader');
    for (let index = 0; index < 128; index += 1) await printReceipt(view(`next${index}`), 'en', 'reader');
    const again = await printReceipt(view('first'), 'en', 'reader');
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });

  it('tries again after a failure', async () => {
    const broken = receipt('en', { paidAt: { iso: 'never', text: 'never' } });
    await expect(printReceipt(broken, 'en', 'reader')).rejects.toThrow();
    await expect(printReceipt(broken, 'en', 'reader')).rejects.toThrow();
    expect(await ask('after', 'reader')).toMatch(/^"/);
  });
});
