import { describe, expect, it } from 'vitest';
import { describeError, makeLogger } from './log.ts';

/** What a logger writes for one line. */
function lineOf(fields: object): Record<string, unknown> {
  const lines: string[] = [];
  const log = makeLogger({ name: 'test', level: 'info' }, { write: (line) => void lines.push(line) });
  log.error(fields, 'it broke');
  return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
}

describe('the log', () => {
  it('tells an error whole, whether described before or by the logger', () => {
    const error = new TypeError('told nobody', { cause: new RangeError('nor this') });
    for (const given of [error, describeError(error)]) {
      const said = lineOf({ error: given })['error'];
      expect(said).toMatchObject({ type: 'TypeError', cause: { type: 'RangeError' } });
      expect((said as { frames: string[] }).frames[0]).toContain('log.test.ts');
    }
  });

  it('repeats neither the message of a foreign error nor a thrown thing that only looks like a description', () => {
    const text = JSON.stringify([
      lineOf({ error: new TypeError('hash=secret') }),
      lineOf({ error: { type: 'TypeError', message: 'hash=secret' } }),
      lineOf({ error: 'hash=secret' }),
      lineOf({ token: 'secret', user: { telegramId: 'secret' } }),
    ]);
    expect(text).not.toContain('secret');
  });
});
