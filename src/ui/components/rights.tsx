'use client';
import type { EntitlementView } from '#api/views.ts';
import { useT } from '#ui/i18n.tsx';

/** "Until when" of a right, in one sentence. */
export function useRightText(): (right: EntitlementView) => string {
  const t = useT();
  return (right) => {
    if (right.until === null) return t('right.forGood');
    return t(right.renews ? 'right.renews' : 'right.until', { date: right.until.text });
  };
}
