import { Fragment } from 'react';
import type { SimProviderFault } from '../control.ts';
import { FaultRow, NameField, NumberField, type RowProps } from './fault-fields.tsx';
import {
  chooseKind,
  type FaultKind,
  faultKinds,
  methodsFor,
  type ProviderEntry,
  providers,
  type SwitchName,
  withProviderFault,
  withSwitch,
} from './provider-faults.ts';
import { useTexts } from './texts.ts';

const otherStatuses = ['401', '403', '404', '429', '502', '503'];

type EntryProps = RowProps & { entry: ProviderEntry };

function AccidentDetails({ faults, save, entry, fault }: EntryProps & { fault: SimProviderFault }) {
  const texts = useTexts().faults;
  const set = (next: SimProviderFault) => save(withProviderFault(faults, entry.name, next));
  const setMethod = (method: string) => {
    const { method: _, ...rest } = fault;
    set(method ? { ...rest, method } : rest);
  };
  const setStatus = (status: string) => {
    const { http_status: _, ...rest } = fault;
    set(status ? { ...rest, http_status: Number(status) } : rest);
  };
  return (
    <div className="fault-details">
      <NumberField
        label={texts.next}
        value={fault.remaining}
        max={1000}
        onChange={(remaining) => set({ ...fault, remaining })}
      />
      <NameField
        label={texts.method}
        all={texts.all}
        names={methodsFor(entry, fault.kind)}
        value={fault.method ?? ''}
        onChange={setMethod}
      />
      {fault.kind === 'delay' && (
        <NumberField
          label={texts.delayMs}
          value={fault.delay_ms ?? 2_000}
          max={60_000}
          onChange={(delay_ms) => set({ ...fault, delay_ms })}
        />
      )}
      {fault.kind === 'http_error' && (
        <NameField
          label={texts.httpStatus}
          all="500"
          names={otherStatuses}
          value={fault.http_status === undefined ? '' : String(fault.http_status)}
          onChange={setStatus}
        />
      )}
    </div>
  );
}

function AccidentRow({ faults, save, entry }: EntryProps) {
  const texts = useTexts().faults;
  const fault = faults[entry.name];
  const words = texts.providers[entry.name];
  const kinds = faultKinds.filter((kind) => methodsFor(entry, kind).length > 0);
  const options = [
    { value: '', label: texts.healthy },
    ...kinds.map((kind) => ({ value: kind, label: texts.accidents[kind] })),
  ];
  const choose = (value: string) =>
    save(withProviderFault(faults, entry.name, chooseKind(entry, fault, (value as FaultKind) || null)));
  return (
    <FaultRow
      label={words.label}
      hint={words.hint}
      value={fault?.kind ?? ''}
      options={options}
      testId={`fault-${entry.name}`}
      onChange={choose}
    >
      {fault && <AccidentDetails faults={faults} save={save} entry={entry} fault={fault} />}
    </FaultRow>
  );
}

function SwitchRow({ faults, save, name }: RowProps & { name: SwitchName }) {
  const texts = useTexts().faults;
  const words = texts.switches[name];
  const options = [
    { value: '', label: words.off },
    { value: 'on', label: words.on },
  ];
  return (
    <FaultRow
      label={words.label}
      hint={words.hint}
      value={faults[name] ? 'on' : ''}
      options={options}
      testId={`fault-${name}`}
      onChange={(value) => save(withSwitch(faults, name, value === 'on'))}
    />
  );
}

/** The accidents and switches of every payment provider but Telegram. */
export function ProviderFaultRows({ faults, save }: RowProps) {
  return providers.map((entry) => (
    <Fragment key={entry.name}>
      <AccidentRow faults={faults} save={save} entry={entry} />
      {entry.switches.map((name) => (
        <SwitchRow key={name} faults={faults} save={save} name={name} />
      ))}
    </Fragment>
  ));
}
