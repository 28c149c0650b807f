import type { LongMessages } from '#ui/message-format.ts';

export type DocumentText = LongMessages['documents']['terms' | 'privacy'];

/** The words of a document: sections with headings. The same in the Mini App and in a plain browser. */
export function DocumentBody({ document }: { document: DocumentText }) {
  return (
    <div className="mt-4 space-y-6">
      <p className="text-body">{document.intro}</p>
      {Object.entries(document.sections).map(([name, { heading, body }]) => (
        <section key={name}>
          <h2 className="text-heading">{heading}</h2>
          <p className="mt-2 text-body whitespace-pre-line">{body}</p>
        </section>
      ))}
      <p className="text-note text-hint">{document.version}</p>
    </div>
  );
}
