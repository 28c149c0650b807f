import type { Method } from '#domain/provider/capability.ts';
import { Icon, type IconName, Star } from '#ui/components/icons.tsx';

const ICONS: Readonly<Record<Exclude<Method, 'telegram_stars'>, IconName>> = {
  credit_card: 'card',
  bank_transfer: 'bank',
  digital_wallet: 'wallet',
  cryptocurrency: 'coin',
};

/** What a method of paying is drawn as. */
export function MethodIcon({ method, className = 'size-[22px]' }: { method: Method; className?: string }) {
  if (method === 'telegram_stars') return <Star className={className} />;
  return <Icon name={ICONS[method]} className={className} />;
}
