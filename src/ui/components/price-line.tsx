'use client';
import type { PriceView } from '#api/views.ts';
import { Money } from '#ui/components/money.tsx';
import { useT } from '#ui/i18n.tsx';

/** A price and how often it is paid. */
export function PriceTag({ price }: { price: PriceView }) {
  const t = useT();
  return (
    <span className="shrink-0 text-end">
      <Money money={price.money} className="block text-heading" />
      <span className="block text-note text-hint">{t(`per.${price.interval}`)}</span>
    </span>
  );
}
