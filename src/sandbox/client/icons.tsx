import type { ReactNode } from 'react';

const paths = {
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  send: 'M12 19V6M6 11.5L12 5.5l6 6',
  plus: 'M12 5v14M5 12h14',
  external: 'M8 16L17 7M10 7h7v7',
  window: 'M4 7.5A2.5 2.5 0 016.5 5h11A2.5 2.5 0 0120 7.5v9a2.5 2.5 0 01-2.5 2.5h-11A2.5 2.5 0 014 16.5zM4 9.5h16',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  card: 'M4 7h16v10H4zM4 10.5h16',
  gear: 'M12 15a3 3 0 100-6 3 3 0 000 6zM12 3v3m0 12v3m9-9h-3M6 12H3m15.4-6.4l-2.1 2.1M7.7 16.3l-2.1 2.1m0-12.8l2.1 2.1m8.6 8.6l2.1 2.1',
  reload: 'M19 12a7 7 0 11-2-4.9M19 4v4h-4',
  file: 'M7 3.5h7l4 4V20a.5.5 0 01-.5.5h-10.5A.5.5 0 016.5 20V4a.5.5 0 01.5-.5zM13.5 3.5V8H18',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  checks: 'M2.5 12.5l4 4L15 8M11 15.5l1 1L21 8',
  keyboard: 'M4 7h16v10H4zM7 10h.01M10.3 10h.01M13.6 10h.01M17 10h.01M8 14h8',
  slash: 'M14.5 6l-5 12',
  chevron: 'M9 6l6 6-6 6',
  down: 'M12 5v14m-6-6l6 6 6-6',
  up: 'M12 19V5m-6 6l6-6 6 6',
  sun: 'M12 16a4 4 0 100-8 4 4 0 000 8zM12 3v2m0 14v2m9-9h-2M5 12H3m15.4-6.4l-1.4 1.4M7 17l-1.4 1.4m0-12.8L7 7m10 10l1.4 1.4',
  moon: 'M19.5 14.5A8 8 0 119.5 4.5a6.5 6.5 0 0010 10z',
  ban: 'M12 20a8 8 0 100-16 8 8 0 000 16zM6.5 6.5l11 11',
  bolt: 'M13 3L5.5 13.5H11L10 21l8-11h-5.5z',
} as const;

export type IconName = keyof typeof paths;

/** A decorative line icon; the control around it carries the name. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === 'more' ? 2.6 : 1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}

const starPath =
  'M12 2.3c.5 0 .9.3 1.1.7l2.3 4.8 5.2.7c1 .1 1.4 1.3.7 2l-3.8 3.6.95 5.2c.2 1-.85 1.75-1.7 1.25L12 18l-4.75 2.55c-.85.5-1.9-.25-1.7-1.25l.95-5.2-3.8-3.6c-.7-.7-.3-1.9.7-2l5.2-.7 2.3-4.8c.2-.4.6-.7 1.1-.7z';

/** Telegram's Star. Gold wherever it stands for money. */
export function StarIcon({ size = 16 }: { size?: number }) {
  return (
    <svg className="star-icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={starPath} fill="currentColor" />
    </svg>
  );
}

/** An amount of Stars: a glyph and a number for the eye, words for a screen reader. */
export function Stars({ amount, label, size }: { amount: string; label: string; size?: number }) {
  return (
    <span className="stars">
      <span className="visually-hidden">{label}</span>
      <span aria-hidden="true" className="stars-figure">
        <StarIcon {...(size === undefined ? {} : { size })} />
        {amount}
      </span>
    </span>
  );
}

const buttonStar = /(?:⭐️?|XTR)/u;

/** The text of a pay button: Telegram draws its Star icon where the bot wrote ⭐ or XTR. */
export function starText(text: string): ReactNode {
  const [before, ...rest] = text.split(buttonStar);
  if (rest.length === 0) return text;
  return (
    <>
      {before}
      <StarIcon size={15} />
      {rest.join('')}
    </>
  );
}
