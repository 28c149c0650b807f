import type { ReactNode } from 'react';
import { Icon, type IconName } from '#ui/components/icons.tsx';

/** A group of cells on a raised ground, with a heading above and a note below, as in Telegram's own settings. */
export function Section(props: {
  title?: string | undefined;
  note?: ReactNode;
  children: ReactNode;
  className?: string;
  testId?: string;
}) {
  return (
    <section className={`mt-6 ${props.className ?? ''}`} data-testid={props.testId}>
      {props.title && <h2 className="mb-2 px-4 text-note font-medium text-hint">{props.title}</h2>}
      <Card>{props.children}</Card>
      {props.note && <p className="mt-2 px-4 text-note text-hint">{props.note}</p>}
    </section>
  );
}

/** The raised ground alone. */
export function Card({ children, className = '' }: { children: ReactNode; className?: string }) {
  return (
    <div
      className={`overflow-hidden rounded-card bg-surface [&>*+*]:border-t-[0.5px] [&>*+*]:border-separator forced-colors:border ${className}`}
    >
      {children}
    </div>
  );
}

type CellContent = {
  title: ReactNode;
  subtitle?: ReactNode;
  /** Stands at the end of the line. */
  value?: ReactNode;
  icon?: IconName;
  tone?: 'plain' | 'link' | 'danger';
  testId?: string;
};

const TONES = { plain: 'text-text', link: 'text-link', danger: 'text-danger' } as const;

function CellBody({
  title,
  subtitle,
  value,
  icon,
  tone = 'plain',
  isLink = false,
}: CellContent & { isLink?: boolean }) {
  return (
    <>
      {icon && <Icon name={icon} className={`size-6 ${tone === 'plain' ? 'text-link' : TONES[tone]}`} />}
      <span className="min-w-0 flex-1 py-2.5">
        <span className={`block text-body ${TONES[tone]}`}>{title}</span>
        {subtitle && <span className="mt-0.5 block text-sub text-hint">{subtitle}</span>}
      </span>
      {value !== undefined && <span className="max-w-[60%] py-2.5 text-end text-body text-hint">{value}</span>}
      {isLink && <Icon name="chevron" className="-me-1 size-4 text-hint" />}
    </>
  );
}

const CELL = 'flex min-h-12 w-full items-center gap-3 px-4 text-start';

/** A line that only shows. */
export function Cell(props: CellContent) {
  return (
    <div className={CELL} data-testid={props.testId}>
      <CellBody {...props} />
    </div>
  );
}

/** A line that can be pressed; `leadsOn` gives it the arrow of a way to another screen, `isExpanded` says that it opens what follows. */
export function CellButton({
  onPress,
  leadsOn = false,
  isDisabled = false,
  isExpanded,
  ...content
}: CellContent & { onPress: () => void; leadsOn?: boolean; isDisabled?: boolean; isExpanded?: boolean }) {
  return (
    <button
      type="button"
      className={`${CELL} transition-colors duration-quick active:bg-track disabled:opacity-60`}
      onClick={onPress}
      disabled={isDisabled}
      aria-expanded={isExpanded}
      data-testid={content.testId}
    >
      <CellBody {...content} isLink={leadsOn} />
    </button>
  );
}

/** Names and values of one thing, for receipts and details. */
export function Facts({ facts }: { facts: ReadonlyArray<{ label: string; value: ReactNode }> }) {
  return (
    <dl className="[&>*+*]:border-t-[0.5px] [&>*+*]:border-separator">
      {facts.map(({ label, value }) => (
        <div key={label} className="flex min-h-12 flex-wrap items-center justify-between gap-x-4 px-4 py-2.5">
          <dt className="text-body text-hint">{label}</dt>
          <dd className="min-w-0 text-body">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
