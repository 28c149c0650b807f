import { Icon } from '#ui/components/icons.tsx';

/** What a plan can do, or how it keeps things private, one line each. */
export function PointList({ points, kind }: { points: readonly string[]; kind: 'feature' | 'privacy' }) {
  return (
    <ul className="space-y-2">
      {points.map((point) => (
        <li key={point} className="flex gap-2.5 text-sub">
          <Icon name={kind === 'privacy' ? 'shield' : 'check'} className="mt-px size-[18px] text-link" />
          <span className="min-w-0">{point}</span>
        </li>
      ))}
    </ul>
  );
}

/** Events in time, oldest first. */
export function Timeline({ events }: { events: ReadonlyArray<{ key: string; text: string; at: string }> }) {
  return (
    <ol className="p-4">
      {events.map(({ key, text, at }, index) => (
        <li key={key} className="relative flex gap-4 pb-4 last:pb-0">
          {index < events.length - 1 && (
            <span aria-hidden="true" className="absolute start-[4.5px] top-4 -bottom-1.5 w-px bg-separator" />
          )}
          <span
            aria-hidden="true"
            className={`mt-[7px] size-2.5 shrink-0 rounded-full ${index === events.length - 1 ? 'bg-accent' : 'bg-hint'}`}
          />
          <span className="min-w-0 flex-1">
            <span className="block text-sub">{text}</span>
            <span className="tabular block text-note text-hint">{at}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
