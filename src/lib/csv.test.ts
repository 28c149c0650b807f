import { describe, expect, it } from 'vitest';
import { csvLine } from './csv.ts';

describe('a line', () => {
  it('ends with CR and LF, and quotes what holds a comma, a quote or a line break (RFC 4180)', () => {
    expect(csvLine(['a', 'b,c', 'say "x"', 'two\nlines', null, ' room '])).toBe(
      'a,"b,c","say ""x""","two\nlines",," room "\r\n',
    );
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx', '\nx', '＝1', '＋1', '－1', '＠x'])(
    'keeps %j from being taken for a formula',
    (cell) => {
      expect(csvLine([cell]).replace(/^"/, '').startsWith(`'${cell}`)).toBe(true);
    },
  );

  it('leaves other texts and signs within them alone', () => {
    expect(csvLine(['a=b', '1-2', '星', 'x@y'])).toBe('a=b,1-2,星,x@y\r\n');
  });

  it('leaves numbers numbers', () => {
    expect(csvLine([{ number: '0' }, { number: '9.99' }, { number: '12345678901234567890' }])).toBe(
      '0,9.99,12345678901234567890\r\n',
    );
  });

  it.each(['-1', '+1', '1e3', '=1', ''])('takes no number like %j', (number) => {
    expect(() => csvLine([{ number }])).toThrow(RangeError);
  });
});
