import { Icon } from '#ui/components/icons.tsx';

/** A question that opens to its answer; works without scripts. */
export function Question({ question, answer }: { question: string; answer: string }) {
  return (
    <details className="group">
      <summary className="flex min-h-12 list-none items-center gap-3 px-4 py-2.5 text-body [&::-webkit-details-marker]:hidden">
        <span className="min-w-0 flex-1">{question}</span>
        <Icon name="chevron" className="size-4 text-hint transition-transform duration-quick group-open:rotate-90" />
      </summary>
      <p className="px-4 pb-4 text-sub whitespace-pre-line text-hint">{answer}</p>
    </details>
  );
}
