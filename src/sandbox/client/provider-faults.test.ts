import { expect, it } from 'vitest';
import type { SimFaults } from '../control.ts';
import { Bench } from '../test-bench.ts';
import {
  chooseKind,
  countProviderFaults,
  faultKinds,
  methodsFor,
  type ProviderEntry,
  providers,
  withProviderFault,
  withSwitch,
} from './provider-faults.ts';
import { english } from './texts-en.ts';

const [payme, click] = providers as readonly [ProviderEntry, ProviderEntry];

it('offers for each kind of accident the calls it can happen to', () => {
  expect(methodsFor(payme, 'amount_changed')).toEqual(['CheckPerformTransaction', 'CreateTransaction']);
  expect(methodsFor(payme, 'duplicate')).toContain('PerformTransaction');
  expect(methodsFor(payme, 'duplicate')).not.toContain('receipts.pay');
  expect(methodsFor(payme, 'http_error')).not.toContain('PerformTransaction');
  expect(methodsFor(click, 'lost_answer')).toEqual([...click.calls, ...click.answered]);
});

it('keeps number and method of an accident whose kind changes, where they go with it', () => {
  const fault = { kind: 'delay', method: 'receipts.pay', remaining: 3, delay_ms: 9_000 } as const;
  expect(chooseKind(payme, fault, 'http_error')).toEqual({
    ...{ kind: 'http_error', method: 'receipts.pay', remaining: 3 },
  });
  expect(chooseKind(payme, fault, 'wrong_auth')).toEqual({ kind: 'wrong_auth', remaining: 3 });
  expect(chooseKind(payme, undefined, 'delay')).toEqual({ kind: 'delay', remaining: 1, delay_ms: 2_000 });
  expect(chooseKind(payme, fault, null)).toBeNull();
});

it('changes one provider and leaves the others, and counts what is on', () => {
  const before: SimFaults = { invoice_closed: 'missing', click: { kind: 'delay', remaining: 1 } };
  const both = withProviderFault(before, 'payme', { kind: 'duplicate', remaining: 2 });
  expect(both).toEqual({ ...before, payme: { kind: 'duplicate', remaining: 2 } });
  const all = withSwitch(both, 'click_uzcard_refuses_reversal', true);
  expect(countProviderFaults(all)).toBe(3);
  expect(withSwitch(withProviderFault(all, 'payme', null), 'click_uzcard_refuses_reversal', false)).toEqual(before);
});

it('makes nothing the sandbox refuses, and has words for all of it', async () => {
  const bench = await Bench.start();
  for (const entry of providers) {
    for (const kind of faultKinds) {
      const chosen = chooseKind(entry, undefined, kind);
      const fault = chosen === null ? null : { ...chosen, method: methodsFor(entry, kind)[0] ?? '' };
      const faults = withProviderFault({}, entry.name, fault);
      expect(await bench.sim('PUT', '/faults', faults)).toEqual(faults);
      expect(english.faults.accidents[kind]).not.toBe('');
    }
    for (const name of entry.switches) {
      expect(await bench.sim('PUT', '/faults', withSwitch({}, name, true))).toEqual({ [name]: true });
    }
  }
  await bench.close();
});
