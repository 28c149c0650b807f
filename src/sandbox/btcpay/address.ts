import { randomBytes } from 'node:crypto';

const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
/** Of regtest: no wallet with real money can pay there. */
const PREFIX = 'bcrt';
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const LIGHTNING = /^(lightning:)?lnbcrt[a-z0-9]{20,}$/i;

/** A fresh SegWit address of regtest (BIP 173). */
export function makeAddress(): string {
  const data = [0, ...toFiveBits(randomBytes(20))];
  return `${PREFIX}1${[...data, ...checksumOf(data)].map((value) => LETTERS[value]).join('')}`;
}

/** Whether this is a SegWit address of regtest with the right checksum. */
export function isAddress(text: string): boolean {
  const match = /^bcrt1([02-9ac-hj-np-z]{39}|[02-9ac-hj-np-z]{59})$/.exec(text.toLowerCase());
  if (match === null) return false;
  const values = [...(match[1] ?? '')].map((letter) => LETTERS.indexOf(letter));
  return polymod([...expandPrefix(), ...values]) === 1;
}

/** The address in an address or BIP 21 link; null when there is no good one. */
export function readAddress(text: string): string | null {
  const address = text
    .trim()
    .replace(/^bitcoin:/i, '')
    .replace(/\?.*$/, '');
  return isAddress(address) ? address : null;
}

/** An invoice of Lightning, as far as it can be told without reading it. */
export function readLightningInvoice(text: string): string | null {
  const trimmed = text.trim();
  return LIGHTNING.test(trimmed) ? trimmed.replace(/^lightning:/i, '') : null;
}

/** The look of a Lightning invoice; nothing can be read out of it. */
export function makeLightningInvoice(): string {
  return `lnbcrt1p${[...randomBytes(180)].map((byte) => LETTERS[byte % 32]).join('')}`;
}

/** An id as BTCPay makes them: random bytes in base 58. */
export function makeId(bytes: number): string {
  let number = BigInt(`0x${randomBytes(bytes).toString('hex')}`);
  let text = '';
  for (; number > 0n; number /= 58n) text = BASE58[Number(number % 58n)] + text;
  return text;
}

function toFiveBits(bytes: Buffer): number[] {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => Number.parseInt(five, 2));
}

function expandPrefix(): number[] {
  const codes = [...PREFIX].map((letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

function checksumOf(data: readonly number[]): number[] {
  const value = polymod([...expandPrefix(), ...data, 0, 0, 0, 0, 0, 0]) ^ 1;
  return [25, 20, 15, 10, 5, 0].map((shift) => (value >> shift) & 31);
}

function polymod(values: readonly number[]): number {
  let checksum = 1;
  for (const value of values) {
    const top = checksum >> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    GENERATOR.forEach((word, index) => {
      if ((top >> index) & 1) checksum ^= word;
    });
  }
  return checksum;
}
