import { type ReactNode, useId } from 'react';
import type { SimFaults } from '../control.ts';

export type RowProps = { faults: SimFaults; save: (faults: SimFaults) => void };

type Option = { value: string; label: string };

/** One kind of trouble: what it is about, and how bad. */
export function FaultRow(props: {
  label: string;
  hint: string;
  value: string;
  options: ReadonlyArray<Option>;
  testId: string;
  onChange: (value: string) => void;
  children?: ReactNode;
}) {
  const id = useId();
  return (
    <div className={`fault-row${props.value ? ' on' : ''}`}>
      <label htmlFor={id} title={props.hint}>
        {props.label}
      </label>
      <select
        id={id}
        value={props.value}
        data-testid={props.testId}
        onChange={(event) => props.onChange(event.target.value)}
      >
        {props.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {props.value && <small>{props.hint}</small>}
      {props.value && props.children}
    </div>
  );
}

export function NumberField(props: { label: string; value: number; max: number; onChange: (value: number) => void }) {
  return (
    <label className="mini-field">
      <span>{props.label}</span>
      <input
        type="number"
        min="1"
        max={props.max}
        value={props.value}
        onChange={(event) => {
          const value = Number(event.target.value);
          if (Number.isSafeInteger(value) && value >= 1 && value <= props.max) props.onChange(value);
        }}
      />
    </label>
  );
}

export function NameField(props: {
  label: string;
  all: string;
  names: ReadonlyArray<string>;
  value: string;
  onChange: (name: string) => void;
}) {
  return (
    <label className="mini-field wide">
      <span>{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChange(event.target.value)}>
        <option value="">{props.all}</option>
        {props.names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
