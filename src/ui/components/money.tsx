import type { MoneyView } from '#api/views.ts';
import { Star } from '#ui/components/icons.tsx';

/** An amount as the server wrote it, its star drawn in gold. Screen readers hear the words instead of the glyph. */
export function Money({ money, className = '' }: { money: MoneyView; className?: string }) {
  const [before, after] = money.text.split('★');
  const hasStar = after !== undefined;
  return (
    <span className={`tabular whitespace-nowrap ${className}`}>
      <span aria-hidden="true">
        {hasStar ? before?.trimEnd() : money.text}
        {hasStar && <Star className="ms-[0.22em] size-[0.86em]" />}
        {after}
      </span>
      <span className="sr-only">{money.label}</span>
    </span>
  );
}
