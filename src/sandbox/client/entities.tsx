import { Fragment, type ReactNode, useState } from 'react';
import type { SimMessage } from '../control.ts';

type Entity = NonNullable<SimMessage['entities']>[number];

type EntityActions = { openLink: (url: string) => void; runCommand: (command: string) => void };

/** Links and commands that Telegram marks by itself in plain text. */
const automatic =
  /(?<url>https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?])|(?<command>(?<![\w/])\/[a-z][a-z0-9_]{0,31}(?![\w/]))/gi;

function InlineLink({ onPress, children }: { onPress: () => void; children: ReactNode }) {
  return (
    <button type="button" className="text-link" onClick={onPress}>
      {children}
    </button>
  );
}

function Spoiler({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState(false);
  return (
    <button type="button" className={`spoiler${shown ? ' shown' : ''}`} onClick={() => setShown(true)}>
      {children}
    </button>
  );
}

function plainText(text: string, actions: EntityActions): ReactNode[] {
  const parts: ReactNode[] = [];
  let position = 0;
  for (const match of text.matchAll(automatic)) {
    const found = match[0];
    parts.push(text.slice(position, match.index));
    const press = match.groups?.['url'] ? () => actions.openLink(found) : () => actions.runCommand(found);
    parts.push(
      <InlineLink key={match.index} onPress={press}>
        {found}
      </InlineLink>,
    );
    position = match.index + found.length;
  }
  parts.push(text.slice(position));
  return parts;
}

function wrap(entity: Entity, raw: string, inner: ReactNode, key: number, actions: EntityActions): ReactNode {
  switch (entity.type) {
    case 'bold':
      return <strong key={key}>{inner}</strong>;
    case 'italic':
      return <em key={key}>{inner}</em>;
    case 'underline':
      return <u key={key}>{inner}</u>;
    case 'strikethrough':
      return <s key={key}>{inner}</s>;
    case 'spoiler':
      return <Spoiler key={key}>{inner}</Spoiler>;
    case 'code':
      return <code key={key}>{inner}</code>;
    case 'pre':
      return <pre key={key}>{inner}</pre>;
    case 'blockquote':
    case 'expandable_blockquote':
      return <blockquote key={key}>{inner}</blockquote>;
    case 'text_link':
    case 'url': {
      const url = entity.url ?? (/^[a-z][a-z0-9+.-]*:/i.test(raw) ? raw : `https://${raw}`);
      return (
        <InlineLink key={key} onPress={() => actions.openLink(url)}>
          {inner}
        </InlineLink>
      );
    }
    case 'mention':
      return (
        <InlineLink key={key} onPress={() => actions.openLink(`https://t.me/${raw.slice(1)}`)}>
          {inner}
        </InlineLink>
      );
    case 'bot_command':
      return (
        <InlineLink key={key} onPress={() => actions.runCommand(raw)}>
          {inner}
        </InlineLink>
      );
    default:
      return <span key={key}>{inner}</span>;
  }
}

/** Entities whose own text is never searched for links. */
const verbatim = new Set(['code', 'pre', 'text_link', 'url', 'mention', 'bot_command', 'email', 'phone_number']);

function renderRange(
  text: string,
  range: { start: number; end: number; linkable: boolean },
  entities: ReadonlyArray<Entity>,
  actions: EntityActions,
): ReactNode[] {
  const parts: ReactNode[] = [];
  let position = range.start;
  const plain = (from: number, to: number) => {
    const slice = text.slice(from, to);
    if (slice) parts.push(...(range.linkable ? plainText(slice, actions) : [slice]));
  };
  for (let index = 0; index < entities.length; index += 1) {
    const entity = entities[index];
    const end = entity ? Math.min(entity.offset + entity.length, range.end) : 0;
    if (!entity || entity.offset < position || end <= entity.offset) continue;
    plain(position, entity.offset);
    const inside = entities.slice(index + 1).filter((other) => other.offset < end);
    const linkable = range.linkable && !verbatim.has(entity.type);
    const inner = renderRange(text, { start: entity.offset, end, linkable }, inside, actions);
    parts.push(wrap(entity, text.slice(entity.offset, end), inner, entity.offset * 100 + index, actions));
    position = end;
  }
  plain(position, range.end);
  return parts;
}

/** Message text with its Telegram entities (offsets in UTF-16 units, nested ones inside their parents). */
export function EntityText(props: { text: string; entities: ReadonlyArray<Entity> | undefined } & EntityActions) {
  const sorted = [...(props.entities ?? [])].sort((one, two) => one.offset - two.offset || two.length - one.length);
  const whole = { start: 0, end: props.text.length, linkable: true };
  const parts = renderRange(props.text, whole, sorted, props);
  return parts.map((part, index) => <Fragment key={String(index)}>{part}</Fragment>);
}
