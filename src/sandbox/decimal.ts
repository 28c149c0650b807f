/** Exact decimal amounts: on the wire a text ("0.00031"), inside a whole number of units of 10^-digits. */

/** Null when the text is no plain decimal number of at least 0, or has more decimals than `digits`. */
export function parseDecimal(text: string, digits: number): bigint | null {
  const match = /^(\d{1,24})(?:\.(\d+))?$/.exec(text);
  if (match === null) return null;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > digits) return null;
  return BigInt((match[1] ?? '') + fraction.padEnd(digits, '0'));
}

/** The shortest text of an amount: no zeros at its end. */
export function formatDecimal(units: bigint, digits: number): string {
  const text = (units < 0n ? -units : units).toString().padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  const fraction = text.slice(text.length - digits).replace(/0+$/, '');
  return `${units < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** The smallest whole number that is not below the quotient. */
export function divideUp(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor !== 0n && dividend > 0n === divisor > 0n ? quotient + 1n : quotient;
}

/** The whole number nearest to the quotient, of two the even one. For amounts of at least 0. */
export function divideToNearest(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  const twiceRest = (dividend % divisor) * 2n;
  if (twiceRest === divisor) return quotient + (quotient % 2n);
  return twiceRest > divisor ? quotient + 1n : quotient;
}

/** 10 to the power of `digits`. */
export function unitsOf(digits: number): bigint {
  return 10n ** BigInt(digits);
}
