import { Fragment, useMemo, useState } from 'react';
import { useTexts } from './texts.ts';

/** Strings (with an optional colon: then it is a key), numbers and words of a JSON text. */
const tokens = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function colored(json: string) {
  const parts: Array<{ text: string; kind: string }> = [];
  let position = 0;
  for (const match of json.matchAll(tokens)) {
    if (match.index > position) parts.push({ text: json.slice(position, match.index), kind: '' });
    const isString = match[1] !== undefined;
    if (isString && match[2]) {
      parts.push({ text: match[1] ?? '', kind: 'key' }, { text: match[2], kind: '' });
    } else {
      parts.push({ text: match[0], kind: isString ? 'string' : 'value' });
    }
    position = match.index + match[0].length;
  }
  parts.push({ text: json.slice(position), kind: '' });
  return parts;
}

/** JSON, indented and coloured, with a button that copies it. */
export function JsonView({ title, value }: { title: string; value: unknown }) {
  const texts = useTexts();
  const [copied, setCopied] = useState(false);
  const json = useMemo(() => JSON.stringify(value, null, 2) ?? '–', [value]);
  const parts = useMemo(() => colored(json), [json]);
  const copy = () => {
    navigator.clipboard.writeText(json).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <figure className="json">
      <figcaption>
        {title}
        <button type="button" className="button small quiet" onClick={copy}>
          {copied ? texts.traffic.copied : texts.traffic.copy}
        </button>
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard. */}
      <pre tabIndex={0}>
        {parts.map((part, index) =>
          part.kind ? (
            <span className={`json-${part.kind}`} key={String(index)}>
              {part.text}
            </span>
          ) : (
            <Fragment key={String(index)}>{part.text}</Fragment>
          ),
        )}
      </pre>
    </figure>
  );
}
