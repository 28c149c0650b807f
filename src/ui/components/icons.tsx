import type { ReactNode } from 'react';

const PATHS = {
  chevron: <path d="m9 5 7 7-7 7" />,
  back: <path d="m15 5-7 7 7 7" />,
  check: <path d="m5 12.5 4.5 4.5L19 7.5" />,
  shield: <path d="M12 3.5 5 6v5.5c0 4.2 2.9 7.4 7 9 4.1-1.6 7-4.8 7-9V6l-7-2.5Zm-3 8.3 2.2 2.2 4-4.2" />,
  receipt: (
    <path d="M6 3.5v17l2-1.3 2 1.3 2-1.3 2 1.3 2-1.3 2 1.3v-17l-2 1.3-2-1.3-2 1.3-2-1.3-2 1.3-2-1.3ZM9 9h6m-6 4h6" />
  ),
  repeat: <path d="M4 11.5a7 7 0 0 1 12-4.6L19 10m0-5v5h-5m6 2.5a7 7 0 0 1-12 4.6L5 14m0 5v-5h5" />,
  gear: (
    <path d="M12 15.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4Zm0-12v2.3m0 13v2.3M3.2 12h2.3m13 0h2.3M5.8 5.8l1.6 1.6m9.2 9.2 1.6 1.6m0-12.4-1.6 1.6m-9.2 9.2-1.6 1.6" />
  ),
  help: <path d="M9.2 9.2a2.9 2.9 0 1 1 4 2.7c-.8.4-1.2 1-1.2 1.9v.4m0 3v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z" />,
  plugin: <path d="M9.5 4.5a2 2 0 0 1 4 0V6H18v4.5h1.5a2 2 0 0 1 0 4H18V20H5.5v-4.5H7a2 2 0 0 0 0-4H5.5V6h4V4.5Z" />,
  offline: (
    <path d="M4 4l16 16M8.5 15.5a5 5 0 0 1 5.2-1.2M5 12a10 10 0 0 1 4-2.5m4.5-.4a10 10 0 0 1 5.5 2.9M2 8.5a14.5 14.5 0 0 1 4-2.7m5-1.1a14.5 14.5 0 0 1 11 3.8M12 19v.1" />
  ),
  alert: <path d="M12 8.5v5m0 3v.1M10.3 4.4 2.9 17.5a2 2 0 0 0 1.7 3h14.8a2 2 0 0 0 1.7-3L13.7 4.4a2 2 0 0 0-3.4 0Z" />,
  clock: <path d="M12 7v5l3.2 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z" />,
  search: <path d="m20 20-4.5-4.5M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z" />,
  copy: <path d="M9 9h10v11H9zM5 15V4h10v2" />,
  document: <path d="M7 3.5h7l4 4v13H7v-17Zm7 0v4h4M10 12h5m-5 4h5" />,
  telegram: <path d="m20.5 4.5-17 7 5 1.8m12-8.8-3 14.5-6-4.5m9-10-12 8.8m0 0 .8 5.7 2.2-4.5" />,
  minus: <path d="M6 12h12" />,
  card: <path d="M3.5 6h17v12h-17V6Zm0 4h17m-13.5 4.5h3" />,
  bank: <path d="M4 9.5 12 4.5l8 5H4Zm1.8 0V17m4.2-7.5V17m4-7.5V17m4.2-7.5V17M4 19.5h16" />,
  wallet: <path d="M4 8v10.5h15V15m0-3.5V8H4l11.5-3.5V8m3.5 3.5h1.5V15H19a1.75 1.75 0 1 1 0-3.5Z" />,
  coin: (
    <path d="M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Zm-2.3-5V8.5h3a1.75 1.75 0 0 1 0 3.5h-3m3.3 0a1.75 1.75 0 0 1 0 3.5h-3.3M11.5 7v1.5m0 7V17" />
  ),
  download: <path d="M12 4v11m-4.5-4.5L12 15l4.5-4.5M4.5 19.5h15" />,
  plus: <path d="M12 5.5v13M5.5 12h13" />,
  key: <path d="M14.5 13.5a5 5 0 1 0-4-4L4 16v4h4v-2.5h2.5V15l4-1.5Zm1.5-6v.1" />,
  lock: <path d="M6 11h12v9H6v-9Zm2.5 0V8a3.5 3.5 0 0 1 7 0v3m-3.5 3.5v2" />,
  unlock: <path d="M6 11h12v9H6v-9Zm2.5 0V8a3.5 3.5 0 0 1 6.7-1.4M12 14.5v2" />,
  outside: <path d="M13.5 4.5h6v6m0-6-8.5 8.5M17 14v5.5H4.5V7H10" />,
  trash: <path d="M5 7h14M9.5 7V4.5h5V7M7 7l.8 12.5h8.4L17 7" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

/** A line icon of 24 units. Decoration only: the words beside it carry the meaning. */
export function Icon({ name, className = 'size-6' }: { name: IconName; className?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      className={`shrink-0 ${className}`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.75"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {PATHS[name]}
    </svg>
  );
}

/** Telegram's Star in our gold; the mark of Hoshi too. The outline alone stands out at 3:1 on every ground. */
export function Star({ className = 'size-[0.9em]' }: { className?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      className={`inline-block shrink-0 fill-[#ffc42e] stroke-gold align-[-0.06em] ${className}`}
      strokeWidth="1.5"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d="M12 1.9c.6 0 1.1.3 1.4.9l2.5 5.1 5.6.8c1.3.2 1.8 1.7.9 2.6l-4.1 4 1 5.6c.2 1.3-1.1 2.2-2.2 1.6L12 19.9l-5.1 2.6c-1.1.6-2.4-.3-2.2-1.6l1-5.6-4.1-4c-.9-.9-.4-2.4.9-2.6l5.6-.8 2.5-5.1c.3-.6.8-.9 1.4-.9Z" />
    </svg>
  );
}

/** A small turning ring for work under way. */
export function Spinner({ className = 'size-6' }: { className?: string }) {
  return (
    <svg
      viewBox="0 0 24 24"
      className={`shrink-0 animate-[turn_0.9s_linear_infinite] ${className}`}
      fill="none"
      aria-hidden="true"
    >
      <circle cx="12" cy="12" r="9" className="stroke-track" strokeWidth="3" />
      <path d="M12 3a9 9 0 0 1 9 9" stroke="currentColor" strokeWidth="3" strokeLinecap="round" />
    </svg>
  );
}
