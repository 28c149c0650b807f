import type { Screen } from '#ui/routes.ts';

/** Grey shapes where words will stand. They hold no text, so they are right in every language. */
function Line({ className }: { className: string }) {
  return <div className={`skeleton ${className}`} />;
}

/** Both segmented controls and three plans. */
export function PickerSkeleton() {
  return (
    <>
      <Line className="mt-6 h-13 w-full rounded-card" />
      <Line className="mt-3 h-13 w-full rounded-card" />
      <PlanCards />
    </>
  );
}

function PlanCards() {
  return (
    <div className="mt-4 space-y-3">
      {[0, 1, 2].map((key) => (
        <div key={key} className="min-h-40 rounded-card bg-surface p-4">
          <div className="flex justify-between">
            <Line className="h-6 w-28" />
            <Line className="h-6 w-20" />
          </div>
          <Line className="mt-3 h-4 w-4/5" />
          <Line className="mt-5 h-4 w-2/3" />
          <Line className="mt-3 h-4 w-3/5" />
        </div>
      ))}
    </div>
  );
}

export function CellsSkeleton({ count }: { count: number }) {
  return (
    <div className="mt-6 rounded-card bg-surface">
      {Array.from({ length: count }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the shapes never change their order.
        <div key={index} className="flex min-h-16 items-center justify-between px-4">
          <div className="flex-1">
            <Line className="h-4 w-2/5" />
            <Line className="mt-2 h-3 w-1/4" />
          </div>
          <Line className="h-4 w-16" />
        </div>
      ))}
    </div>
  );
}

export function DetailSkeleton() {
  return (
    <>
      <div className="mt-6 rounded-card bg-surface p-4">
        <Line className="h-8 w-32" />
        <Line className="mt-4 h-4 w-4/5" />
        <Line className="mt-3 h-4 w-3/5" />
      </div>
      <CellsSkeleton count={4} />
    </>
  );
}

/** What a screen looks like before anything is known; rendered by the server too. */
export function ScreenSkeleton({ screen }: { screen: Screen }) {
  return (
    <div aria-busy="true" className="mx-auto w-full max-w-xl px-4 pt-4">
      <Line className="h-9 w-48" />
      {screen === 'home' ? (
        <>
          <Line className="mt-3 h-4 w-4/5" />
          <PickerSkeleton />
        </>
      ) : screen === 'history' ||
        screen === 'subscriptions' ||
        screen === 'methods' ||
        screen === 'log' ||
        screen === 'settings' ||
        screen === 'privacy-centre' ||
        screen === 'what-server-sees' ||
        screen === 'export' ||
        screen === 'agreements' ||
        screen === 'help' ||
        screen === 'plugins' ? (
        <CellsSkeleton count={6} />
      ) : (
        <DetailSkeleton />
      )}
    </div>
  );
}
