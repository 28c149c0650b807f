'use client';
import type { ReactNode } from 'react';
import type { LinkedOrderView } from '#api/views.ts';
import { CopyText } from '#ui/components/copy.tsx';
import { Icon, type IconName, Star } from '#ui/components/icons.tsx';
import { Money } from '#ui/components/money.tsx';
import { useT } from '#ui/i18n.tsx';
import { fullName } from '#ui/names.ts';

/** The one raised ground of the page; its parts are divided by hairlines. */
export function Sheet({ children }: { children: ReactNode }) {
  return (
    <div className="rounded-[16px] border border-separator bg-surface shadow-[0_1px_2px_rgb(16_24_40/0.04),0_12px_32px_-12px_rgb(16_24_40/0.12)] [&>*+*]:border-t [&>*+*]:border-separator">
      {children}
    </div>
  );
}

/** A named part of the sheet. */
export function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2 className="px-4 pt-4 text-note font-medium text-hint">{title}</h2>
      {children}
    </section>
  );
}

/** A sign, what happened, what it means, and what to do next. */
export function Told(props: {
  sign: ReactNode;
  title: string;
  lead?: ReactNode;
  text: string;
  note?: string;
  children?: ReactNode;
}) {
  return (
    <div className="appear px-4 pt-6 pb-5">
      {props.sign}
      <h1 tabIndex={-1} className="mt-5 text-heading text-balance">
        {props.title}
      </h1>
      <div role="status">
        {props.lead && <p className="mt-1 text-body">{props.lead}</p>}
        <p className="mt-2 text-sub text-pretty text-hint">{props.text}</p>
        {props.note && <p className="mt-2 text-sub text-pretty text-hint">{props.note}</p>}
      </div>
      {props.children && <div className="mt-5 grid gap-2">{props.children}</div>}
    </div>
  );
}

export function Sign({ name }: { name: IconName }) {
  return (
    <span className="grid size-14 place-items-center rounded-full bg-track text-hint">
      <Icon name={name} className="size-6" />
    </span>
  );
}

/** The one sign in gold: the check is drawn once. */
export function PaidSign() {
  return (
    <span className="relative grid size-14 place-items-center rounded-full bg-gold-tint text-gold">
      <svg
        viewBox="0 0 24 24"
        className="size-8"
        fill="none"
        stroke="currentColor"
        strokeWidth="2.5"
        aria-hidden="true"
      >
        <path
          d="m5 12.5 4.5 4.5L19 7.5"
          pathLength={1}
          strokeDasharray={1}
          strokeLinecap="round"
          strokeLinejoin="round"
          className="animate-[draw_200ms_ease-out]"
        />
      </svg>
      <Star className="absolute -end-1 -top-1 size-5" />
    </span>
  );
}

/** A link that looks like the page's one button. */
export function LinkButton(props: {
  href: string;
  children: ReactNode;
  isQuiet?: boolean;
  /** The page it leads to knows no way back. */
  opensBeside?: boolean;
  testId?: string;
}) {
  return (
    <a
      href={props.href}
      {...(props.opensBeside ? { target: '_blank', rel: 'noopener' } : {})}
      data-testid={props.testId}
      className={`flex min-h-12 items-center justify-center gap-2 rounded-card px-5 py-2.5 text-center text-body font-semibold transition-[filter] duration-quick active:brightness-90 ${props.isQuiet ? 'bg-tint text-link' : 'bg-button text-on-button'}`}
    >
      {props.children}
      {props.opensBeside && <Icon name="outside" className="size-[18px]" />}
    </a>
  );
}

/** What was ordered, for the states in which there is nothing more to choose. */
export function OrderFacts({ order }: { order: LinkedOrderView }) {
  const t = useT();
  // What was never paid stands in no record.
  const plan = fullName(order) ?? (order.status === 'paid' ? t('order.inRecord') : null);
  return (
    <dl className="px-4 py-3 text-sub">
      {plan !== null && <Fact name={t('order.plan')}>{plan}</Fact>}
      <Fact name={t('order.price')}>
        <Money money={order.price.money} />
      </Fact>
      <div className="pt-1.5">
        <dt className="text-hint">{t('pay.number')}</dt>
        <dd>
          <CopyText text={order.id} />
        </dd>
      </div>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex flex-wrap justify-between gap-x-4 py-1.5">
      <dt className="text-hint">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </div>
  );
}
