'use client';
import type { MethodView } from '#api/views.ts';
import { Money } from '#ui/components/money.tsx';
import { useT, useWords } from '#ui/i18n.tsx';

/** By place, not by party: the first share is always the strongest. */
const FILLS = ['bg-accent', 'bg-hint', 'bg-separator'] as const;

/** "Where your money goes": one bar whose parts sum to the price, and the same in words and numbers. */
export function SplitBar({ split, testId }: { split: MethodView['split']; testId?: string }) {
  const t = useT();
  const { language } = useWords();
  const percent = new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 1 });
  return (
    <div className="p-4">
      <div aria-hidden="true" data-testid={testId} className="flex h-3 gap-[3px] overflow-hidden rounded-full">
        {split.map(({ party, bps }, index) =>
          bps === 0 ? null : (
            <div
              key={party}
              className={`min-w-1 transition-[flex-grow] duration-quick ease-out forced-colors:border ${FILLS[index]}`}
              style={{ flexGrow: bps, flexBasis: 0 }}
            />
          ),
        )}
      </div>
      <ul className="mt-3 space-y-2">
        {split.map(({ party, money, bps }, index) => (
          <li key={party} className="flex items-baseline gap-3 text-sub">
            <span aria-hidden="true" className={`size-2.5 shrink-0 self-center rounded-full ${FILLS[index]}`} />
            <span className="min-w-0 flex-1">{t(`split.${party}`)}</span>
            <span className="tabular text-hint">{percent.format(bps / 10_000)}</span>
            <Money money={money} className="min-w-16 text-end" />
          </li>
        ))}
      </ul>
    </div>
  );
}
