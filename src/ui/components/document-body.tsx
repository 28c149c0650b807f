import { formatMessage, type Language, type LongMessages } from '#ui/message-format.ts';

export type DocumentText = LongMessages['documents']['terms' | 'privacy'];

/**
 * The words of a document: sections with headings. The same in the Mini App and in a plain browser. `values` are the times it
 * names.
 */
export function DocumentBody(props: {
  document: DocumentText;
  language: Language;
  values: Readonly<Record<string, number>>;
}) {
  const { document, language, values } = props;
  return (
    <div className="mt-4 space-y-6">
      <p className="text-body">{document.intro}</p>
      {Object.entries(document.sections).map(([name, { heading, body }]) => (
        <section key={name}>
          <h2 className="text-heading">{heading}</h2>
          <p className="mt-2 text-body whitespace-pre-line">{formatMessage(body, values, language)}</p>
        </section>
      ))}
      <p className="text-note text-hint">{document.version}</p>
    </div>
  );
}
