'use client';
import { type HTMLAttributes, type Ref, useId } from 'react';

/** A field of a form, with its name above and a hint or what is wrong below. It has no `name`: nothing is sent with the form. */
export function Field(props: {
  label: string;
  value: string;
  onChange: (typed: string) => void;
  autoComplete: string;
  inputMode: HTMLAttributes<HTMLInputElement>['inputMode'];
  placeholder?: string;
  hint?: string | null;
  isWrong?: boolean;
  /** Nothing can be typed now; the focus stays. */
  isLocked?: boolean;
  maxLength: number;
  onLeave?: () => void;
  inputRef?: Ref<HTMLInputElement>;
  testId: string;
}) {
  const id = useId();
  const { hint = null, isWrong = false } = props;
  return (
    <div>
      <label htmlFor={id} className="block text-sub font-medium">
        {props.label}
      </label>
      <input
        id={id}
        ref={props.inputRef}
        type="text"
        inputMode={props.inputMode}
        autoComplete={props.autoComplete}
        autoCorrect="off"
        spellCheck={false}
        required
        value={props.value}
        placeholder={props.placeholder}
        maxLength={props.maxLength}
        readOnly={props.isLocked}
        aria-describedby={hint === null ? undefined : `${id}hint`}
        aria-invalid={isWrong || undefined}
        onChange={(event) => props.onChange(event.target.value)}
        onBlur={props.onLeave}
        data-testid={props.testId}
        className="tabular mt-1.5 min-h-12 w-full rounded-card border border-hint bg-surface px-4 text-body placeholder:text-hint focus:border-link read-only:opacity-60 aria-invalid:border-danger"
      />
      {hint !== null && (
        <p id={`${id}hint`} className={`mt-1.5 text-note ${isWrong ? 'text-danger' : 'text-hint'}`}>
          {hint}
        </p>
      )}
    </div>
  );
}
