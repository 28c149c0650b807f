'use client';
import type { PrivacyLevel } from '#domain/provider/capability.ts';
import { Icon } from '#ui/components/icons.tsx';
import { useT } from '#ui/i18n.tsx';
import { privacyNote, type Way } from '#ui/ways.ts';

const STEPS: Readonly<Record<PrivacyLevel, number>> = { low: 1, medium: 2, high: 3, very_high: 4 };

/** How private a way of paying is: four steps, a word, and what it means in plain sentences. */
export function PrivacyLevelCard({ level, way }: { level: PrivacyLevel; way: Way }) {
  const t = useT();
  return (
    <div className="p-4">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Icon name="shield" className="size-6 text-link" />
        <p className="flex-1 text-body whitespace-nowrap">{t(`privacy.level.${level}`)}</p>
        <span aria-hidden="true" className="flex gap-1">
          {[1, 2, 3, 4].map((step) => (
            <span
              key={step}
              className={`h-1.5 w-5 rounded-full ${step <= STEPS[level] ? 'bg-accent' : 'bg-track'} forced-colors:border`}
            />
          ))}
        </span>
      </div>
      <p className="mt-2 text-sub text-hint">{privacyNote(t, way)}</p>
    </div>
  );
}
