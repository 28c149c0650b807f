import { expect, it } from 'vitest';
import { clientAddress, isLoopback } from './http.ts';

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

it.each([
  ['the connection, when there is no proxy of ours', '9.9.9.9', '1.1.1.1', 0, '9.9.9.9'],
  ['an IPv4 address in its IPv6 form', '::ffff:9.9.9.9', undefined, 0, '9.9.9.9'],
  ['what our one proxy wrote, not what the sender claims', '10.0.0.1', '1.1.1.1, 2.2.2.2', 1, '2.2.2.2'],
  ['what the outer of two proxies wrote', '10.0.0.1', '1.1.1.1, 2.2.2.2, 10.0.0.2', 2, '2.2.2.2'],
  ['nobody, when a proxy wrote nothing', '10.0.0.1', undefined, 1, null],
  ['nobody, when fewer proxies wrote than there are', '10.0.0.1', '2.2.2.2', 2, null],
  ['nobody, when the connection is gone', undefined, undefined, 0, null],
] as const)('the client is %s', (_name, socket, forwarded, hops, address) => {
  expect(clientAddress(socket, forwarded, hops)).toBe(address);
});
