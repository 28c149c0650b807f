import { expect, it } from 'vitest';
import { isLoopback } from './http.ts';

it.each([
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:192.168.0.2', false],
  ['10.127.0.0.1', false],
  ['192.168.0.2', false],
  ['fe80::1', false],
  ['', false],
  [undefined, false],
])('%s is this machine: %s', (address, isOurs) => {
  expect(isLoopback(address)).toBe(isOurs);
});
