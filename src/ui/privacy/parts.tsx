'use client';
import { type ChangeEvent, type ReactNode, type Ref, useId, useRef, useState } from 'react';
import type { BillingKeyView } from '#api/privacy-views.ts';
import { CopyText } from '#ui/components/copy.tsx';
import { Icon } from '#ui/components/icons.tsx';
import { useT } from '#ui/i18n.tsx';
import { groupedFingerprint } from '#ui/privacy/words.ts';
import type { Problem } from '#ui/problem.ts';

/** A fingerprint in groups of four that break together, read out as one text. */
export function Fingerprint({ fingerprint, className = '' }: { fingerprint: string; className?: string }) {
  return (
    <code className={`block font-mono text-sub break-words ${className}`} data-testid="fingerprint">
      {groupedFingerprint(fingerprint)}
    </code>
  );
}

/** The state of a key in a word or two. */
export function KeyPill({ state }: Pick<BillingKeyView, 'state'>) {
  const t = useT();
  const look =
    state === 'active' ? 'bg-tint text-link' : state === 'expired' ? 'bg-track text-danger' : 'bg-track text-hint';
  return (
    <span
      data-testid="key-state"
      className={`inline-block rounded-full px-2.5 py-0.5 text-note font-medium whitespace-nowrap ${look}`}
    >
      {t(`keys.state.${state}`)}
    </span>
  );
}

/** Why something did not work, beside what was tried. What was typed stays. */
export function Trouble({ children, testId = 'key-trouble' }: { children: ReactNode; testId?: string }) {
  return (
    <div role="alert" data-testid={testId} className="appear flex gap-3 rounded-card bg-track px-4 py-3 text-sub">
      <Icon name="alert" className="mt-px size-5 text-danger" />
      <div className="min-w-0">{children}</div>
    </div>
  );
}

/** The server's reason in its own words; a fault of its own also has the number that support asks for. */
export function ProblemTrouble({ problem }: { problem: Problem }) {
  const t = useT();
  const isOurs = problem.kind === 'internal' || problem.kind === 'unavailable';
  return (
    <Trouble>
      <p>{problem.text ?? t('problem.networkText')}</p>
      {isOurs && problem.requestId && <CopyText text={problem.requestId} testId="request-id" />}
    </Trouble>
  );
}

/** Something that went well, said once. */
export function Success({ children, testId }: { children: ReactNode; testId: string }) {
  return (
    <p role="status" data-testid={testId} className="appear flex gap-3 rounded-card bg-tint px-4 py-3 text-body">
      <Icon name="check" className="mt-px size-6 text-link" />
      <span className="min-w-0">{children}</span>
    </p>
  );
}

/** A secret that can be looked at while it is typed. `isNew`: password managers offer to make and keep one. */
export function PassphraseField(props: {
  label: string;
  value: string;
  onChange: (typed: string) => void;
  hint?: string | null;
  isWrong?: boolean;
  isNew?: boolean;
  isLocked?: boolean;
  inputRef?: Ref<HTMLInputElement>;
  testId: string;
}) {
  const t = useT();
  const id = useId();
  const [isShown, setIsShown] = useState(false);
  const { hint = null, isLocked = false, isNew = false, isWrong = false } = props;
  return (
    <div>
      <label htmlFor={id} className="block text-sub font-medium">
        {props.label}
      </label>
      <div className="relative mt-1.5">
        <input
          id={id}
          ref={props.inputRef}
          type={isShown ? 'text' : 'password'}
          autoComplete={isNew ? 'new-password' : 'current-password'}
          autoCapitalize="off"
          autoCorrect="off"
          spellCheck={false}
          maxLength={500}
          value={props.value}
          readOnly={isLocked}
          aria-describedby={hint === null ? undefined : `${id}hint`}
          aria-invalid={isWrong || undefined}
          onChange={(event) => props.onChange(event.target.value)}
          data-testid={props.testId}
          className="min-h-12 w-full rounded-card border border-hint bg-surface ps-4 pe-20 text-body focus:border-link read-only:opacity-60 aria-invalid:border-danger"
        />
        <button
          type="button"
          onClick={() => setIsShown((was) => !was)}
          aria-pressed={isShown}
          aria-controls={id}
          className="absolute inset-y-0 end-1 min-w-target px-3 text-sub text-link"
        >
          {t(isShown ? 'keys.new.hide' : 'keys.new.show')}
        </button>
      </div>
      {hint !== null && (
        <p id={`${id}hint`} className="mt-1.5 text-note text-hint">
          {hint}
        </p>
      )}
    </div>
  );
}

/** A long text to take along or to paste, in the letters of programs. */
export function TextBlock(props: {
  label: string;
  value: string;
  rows: number;
  onChange?: (typed: string) => void;
  isWrong?: boolean;
  placeholder?: string;
  fieldRef?: Ref<HTMLTextAreaElement>;
  testId: string;
}) {
  const id = useId();
  const { onChange } = props;
  return (
    <div>
      <label htmlFor={id} className="block text-sub font-medium">
        {props.label}
      </label>
      <textarea
        id={id}
        ref={props.fieldRef}
        rows={props.rows}
        value={props.value}
        readOnly={!onChange}
        placeholder={props.placeholder}
        autoComplete="off"
        autoCapitalize="off"
        autoCorrect="off"
        spellCheck={false}
        aria-invalid={props.isWrong || undefined}
        onChange={(event) => onChange?.(event.target.value)}
        data-testid={props.testId}
        className="mt-1.5 block w-full rounded-card border border-hint bg-surface px-3 py-2.5 font-mono text-note break-all placeholder:text-hint focus:border-link aria-invalid:border-danger"
      />
    </div>
  );
}

/** The largest file that is read: ten times the largest key. */
const MAX_FILE_BYTES = 655_360;

/** Lets the person choose a file and reads it as text; null when it is none. Nothing leaves the device. */
export function FileButton(props: {
  children: ReactNode;
  onText: (text: string | null, name: string) => void;
  isDisabled?: boolean;
  testId: string;
}) {
  const input = useRef<HTMLInputElement>(null);
  const read = async (event: ChangeEvent<HTMLInputElement>) => {
    const [file] = event.target.files ?? [];
    // The same file may be chosen again after it was changed.
    event.target.value = '';
    if (file) props.onText(await textOf(file), file.name);
  };
  return (
    <label
      className={`relative flex min-h-12 items-center justify-center gap-2 rounded-card bg-tint px-5 text-body font-semibold text-link has-focus-visible:outline-3 has-focus-visible:outline-link ${props.isDisabled ? 'opacity-50' : ''}`}
    >
      <Icon name="document" className="size-5" />
      {props.children}
      <input
        ref={input}
        type="file"
        disabled={props.isDisabled}
        onChange={(event) => void read(event)}
        data-testid={props.testId}
        className="absolute inset-0 w-full cursor-pointer opacity-0"
      />
    </label>
  );
}

async function textOf(file: File): Promise<string | null> {
  if (file.size > MAX_FILE_BYTES) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    // A binary export: whoever asked says what to do instead.
    return null;
  }
}
