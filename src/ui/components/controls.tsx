'use client';
import { type ReactNode, useId } from 'react';
import { Icon, Spinner } from '#ui/components/icons.tsx';

/** The one button of a form. */
export function SubmitButton(props: {
  children: ReactNode;
  isDisabled: boolean;
  isBusy: boolean;
  /** What it does cannot be undone. */
  isDanger?: boolean;
  testId: string;
}) {
  return (
    <button
      type="submit"
      disabled={props.isDisabled || props.isBusy}
      data-testid={props.testId}
      className={`flex min-h-12 items-center justify-center gap-2 rounded-card px-5 text-body font-semibold transition-[filter] duration-quick active:brightness-90 disabled:opacity-50 ${props.isDanger ? 'bg-danger text-surface' : 'bg-button text-on-button'}`}
    >
      {props.isBusy && <Spinner className="size-5" />}
      {props.children}
    </button>
  );
}

/** A button of the page itself, for what is not the screen's one main action. */
export function Button(props: {
  children: ReactNode;
  onPress: () => void;
  look?: 'filled' | 'tinted' | 'plain' | 'danger';
  isDisabled?: boolean;
  isBusy?: boolean;
  testId?: string;
}) {
  const looks = {
    filled: 'bg-button text-on-button',
    tinted: 'bg-tint text-link',
    plain: 'text-link',
    danger: 'bg-danger text-surface',
  };
  return (
    <button
      type="button"
      onClick={props.onPress}
      disabled={props.isDisabled || props.isBusy}
      data-testid={props.testId}
      className={`flex min-h-12 items-center justify-center gap-2 rounded-card px-5 text-body font-semibold transition-[filter] duration-quick active:brightness-90 disabled:opacity-50 ${looks[props.look ?? 'tinted']}`}
    >
      {props.isBusy && <Spinner className="size-5" />}
      {props.children}
    </button>
  );
}

export type Segment<Value extends string> = { value: Value; label: ReactNode; testId?: string };

/** One choice of few, all visible: radio buttons drawn as a track. Arrow keys move the choice. */
export function Segmented<Value extends string>(props: {
  label: string;
  value: Value;
  segments: ReadonlyArray<Segment<Value>>;
  onChange: (value: Value) => void;
}) {
  const name = useId();
  return (
    <fieldset className="flex rounded-card bg-track p-1">
      <legend className="sr-only">{props.label}</legend>
      {props.segments.map(({ value, label, testId }) => (
        <label
          key={value}
          data-testid={testId}
          className="relative flex min-h-11 flex-1 items-center justify-center rounded-[9px] px-2 text-center text-sub font-medium transition-colors duration-quick has-checked:bg-surface has-checked:shadow-sm has-focus-visible:outline-3 has-focus-visible:outline-link forced-colors:has-checked:outline-2"
        >
          <input
            type="radio"
            name={name}
            value={value}
            checked={value === props.value}
            onChange={() => props.onChange(value)}
            className="absolute inset-0 cursor-pointer opacity-0"
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

/** A setting that is on or off. */
export function Switch(props: {
  title: string;
  subtitle?: string;
  isOn: boolean;
  isDisabled?: boolean;
  onChange: (isOn: boolean) => void;
}) {
  return (
    <label className="flex min-h-12 items-center gap-3 px-4 has-focus-visible:outline-3 has-focus-visible:-outline-offset-3 has-focus-visible:outline-link">
      <span className="min-w-0 flex-1 py-2.5">
        <span className="block text-body">{props.title}</span>
        {props.subtitle && <span className="mt-0.5 block text-sub text-hint">{props.subtitle}</span>}
      </span>
      <input
        type="checkbox"
        role="switch"
        aria-checked={props.isOn}
        className="peer sr-only"
        checked={props.isOn}
        disabled={props.isDisabled}
        onChange={(event) => props.onChange(event.target.checked)}
      />
      <span
        aria-hidden="true"
        className="relative h-8 w-13 shrink-0 rounded-full border border-hint bg-track transition-colors duration-quick after:absolute after:start-[3px] after:top-[3px] after:size-6 after:rounded-full after:bg-hint after:transition-transform after:duration-quick peer-checked:border-accent peer-checked:bg-accent peer-checked:after:translate-x-5 peer-checked:after:bg-on-accent peer-disabled:opacity-50 forced-colors:peer-checked:after:bg-[Highlight]"
      />
    </label>
  );
}

export type Option<Value extends string> = {
  value: Value;
  title: ReactNode;
  subtitle?: ReactNode;
  isDisabled?: boolean;
  testId?: string;
};

type RadioProps<Value extends string> = {
  label: string;
  value: Value | null;
  onChange: (value: Value) => void;
};

/** One choice of a list, with room for words under each. */
export function RadioList<Value extends string>(props: RadioProps<Value> & { options: ReadonlyArray<Option<Value>> }) {
  const name = useId();
  return (
    <fieldset className="[&>label+label]:border-t-[0.5px] [&>label+label]:border-separator">
      <legend className="sr-only">{props.label}</legend>
      {props.options.map((option) => (
        <RadioRow key={option.value} {...props} name={name} option={option} />
      ))}
    </fieldset>
  );
}

export type OptionGroup<Value extends string> = {
  key: string;
  /** Null where the options say it themselves. */
  title: ReactNode;
  options: ReadonlyArray<Option<Value>>;
};

/** One choice of several lists under headings. */
export function RadioGroups<Value extends string>(
  props: RadioProps<Value> & { groups: ReadonlyArray<OptionGroup<Value>> },
) {
  const name = useId();
  return (
    <fieldset className="[&>div+div]:border-t-[0.5px] [&>div+div]:border-separator">
      <legend className="sr-only">{props.label}</legend>
      {props.groups.map(({ key, title, options }) => (
        // biome-ignore lint/a11y/useSemanticElements: a legend cannot be laid out like a heading.
        <div
          key={key}
          role="group"
          aria-labelledby={title === null ? undefined : `${name}${key}`}
          className="[&>label+label]:border-t-[0.5px] [&>label+label]:border-separator"
        >
          {title !== null && (
            <p id={`${name}${key}`} className="flex items-center gap-3 px-4 pt-3.5 pb-0.5 text-sub font-semibold">
              {title}
            </p>
          )}
          {options.map((option) => (
            <RadioRow key={option.value} {...props} name={name} option={option} />
          ))}
        </div>
      ))}
    </fieldset>
  );
}

function RadioRow<Value extends string>(props: RadioProps<Value> & { name: string; option: Option<Value> }) {
  const { isDisabled = false, subtitle, testId, title, value } = props.option;
  return (
    <label
      data-testid={testId}
      className="flex min-h-12 items-center gap-3 px-4 has-focus-visible:outline-3 has-focus-visible:-outline-offset-3 has-focus-visible:outline-link"
    >
      <input
        type="radio"
        name={props.name}
        value={value}
        checked={value === props.value}
        disabled={isDisabled}
        onChange={() => props.onChange(value)}
        className="peer sr-only"
      />
      <span
        aria-hidden="true"
        className="size-[22px] shrink-0 rounded-full border-2 border-hint peer-checked:border-[7px] peer-checked:border-accent peer-disabled:opacity-40"
      />
      <span className="min-w-0 flex-1 py-2.5">
        <span className={`block text-body ${isDisabled ? 'text-hint' : ''}`}>{title}</span>
        {subtitle && <span className="mt-0.5 block text-sub text-hint">{subtitle}</span>}
      </span>
    </label>
  );
}

/** A native list of choices: the client's own picker is the best one on a phone. */
export function Select(props: {
  label: string;
  value: string;
  options: ReadonlyArray<{ value: string; label: string }>;
  onChange: (value: string) => void;
  testId?: string;
}) {
  return (
    <label className="flex min-w-0 flex-1 flex-col gap-1 text-note text-hint">
      <span className="px-1">{props.label}</span>
      <span className="relative">
        <select
          value={props.value}
          onChange={(event) => props.onChange(event.target.value)}
          data-testid={props.testId}
          className="min-h-11 w-full appearance-none rounded-card border-0 bg-surface ps-4 pe-10 text-sub text-text forced-colors:border"
        >
          {props.options.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <Icon name="chevron" className="pointer-events-none absolute end-3 top-3.5 size-4 rotate-90 text-hint" />
      </span>
    </label>
  );
}
