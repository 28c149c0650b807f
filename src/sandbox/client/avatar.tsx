import type { CSSProperties } from 'react';
import type { SimUser } from '../control.ts';
import { fullName, initials } from './format.ts';
import { StarIcon } from './icons.tsx';

/** Telegram's seven peer colours, chosen by the id as its apps do. */
const peerColors: ReadonlyArray<readonly [string, string]> = [
  ['#ff885e', '#ff516a'],
  ['#ffcd6a', '#ffa85c'],
  ['#82b1ff', '#665fff'],
  ['#a0de7e', '#54cb68'],
  ['#53edd6', '#28c9b7'],
  ['#72d5fd', '#2a9ef1'],
  ['#e0a2f3', '#d669ed'],
];

/** A user's initials on their colour. */
export function Avatar({ user }: { user: SimUser }) {
  const [from, to] = peerColors[user.id % peerColors.length] ?? ['#82b1ff', '#665fff'];
  const style: CSSProperties = { background: `linear-gradient(${from}, ${to})` };
  return (
    <span className="avatar" style={style} aria-hidden="true">
      {initials(fullName(user))}
    </span>
  );
}

/** A group's first letter on its colour. */
export function GroupAvatar({ id, title }: { id: number; title: string }) {
  const [from, to] = peerColors[Math.abs(id) % peerColors.length] ?? ['#82b1ff', '#665fff'];
  const style: CSSProperties = { background: `linear-gradient(${from}, ${to})` };
  return (
    <span className="avatar" style={style} aria-hidden="true">
      {initials(title)}
    </span>
  );
}

/** The bot's picture. */
export function BotAvatar({ size }: { size: 'small' | 'large' }) {
  return (
    <span className={`bot-avatar ${size}`} aria-hidden="true">
      <StarIcon size={size === 'small' ? 20 : 44} />
    </span>
  );
}
