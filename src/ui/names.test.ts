import { expect, it } from 'vitest';
import { fullName } from './names.ts';

it.each([
  ['Pro', 'Personal log', 'Pro · Personal log'],
  ['Voice notes', 'Voice notes', 'Voice notes'],
  [null, null, null],
])('the name of %s of %s is %s', (planName, productName, name) => {
  expect(fullName({ planName, productName })).toBe(name);
});
