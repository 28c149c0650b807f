import type { FormattedText, TEntity } from './wire.ts';

const STYLE_OF_MARK: Readonly<Record<string, string>> = {
  '*': 'bold',
  _: 'italic',
  __: 'underline',
  '~': 'strikethrough',
  '||': 'spoiler',
  '`': 'code',
  '```': 'pre',
};

const RESERVED = '_*[]()~`>#+-=|{}.!';

type OpenMark = { mark: string; offset: number; at: number };

/**
 * Telegram's MarkdownV2 without nested links and custom emoji; `isLegacy` is the older Markdown, where nothing is
 * reserved and marks do not nest. Throws an Error with the original's wording.
 */
export function parseMarkdown(source: string, isLegacy = false): FormattedText {
  const state = { source, text: '', position: 0, entities: [] as TEntity[], open: [] as OpenMark[], isLegacy };
  while (state.position < source.length) step(state);
  const unclosed = state.open.at(-1);
  if (unclosed !== undefined) {
    const name = (STYLE_OF_MARK[unclosed.mark] ?? 'TextUrl').replace(/^./, (letter) => letter.toUpperCase());
    throw new Error(`Can't find end of ${name} entity at byte offset ${unclosed.at}`);
  }
  return { text: state.text, entities: state.entities };
}

type State = {
  source: string;
  text: string;
  position: number;
  entities: TEntity[];
  open: OpenMark[];
  isLegacy: boolean;
};

function step(state: State): void {
  const { source, position } = state;
  const character = source.charAt(position);
  const next = source.charAt(position + 1);
  if (character === '\\' && next !== '' && next.charCodeAt(0) <= 126) {
    state.text += next;
    state.position += 2;
    return;
  }
  const current = state.open.at(-1)?.mark;
  const isInCode = current === '`' || current === '```';
  const mark = readMark(source, position, state.isLegacy);
  if (mark !== null && (!isInCode || mark === current)) {
    toggle(state, mark);
    return;
  }
  if (!isInCode && (character === '[' || character === ']')) {
    bracket(state, character);
    return;
  }
  if (!isInCode && !state.isLegacy && RESERVED.includes(character)) {
    throw new Error(`Character '${character}' is reserved and must be escaped with the preceding '\\'`);
  }
  state.text += character;
  state.position += 1;
}

function readMark(source: string, position: number, isLegacy: boolean): string | null {
  const marks = isLegacy ? ['```', '`', '*', '_'] : ['```', '`', '__', '_', '*', '~', '||'];
  return marks.find((mark) => source.startsWith(mark, position)) ?? null;
}

function toggle(state: State, mark: string): void {
  const top = state.open.at(-1);
  const at = Buffer.byteLength(state.source.slice(0, state.position));
  state.position += mark.length;
  if (top?.mark !== mark) {
    state.open.push({ mark, offset: state.text.length, at });
    if (mark === '```') state.position += /^[^\s`]*\n|^/.exec(state.source.slice(state.position))?.[0].length ?? 0;
    return;
  }
  state.open.pop();
  const length = state.text.length - top.offset;
  if (length > 0) state.entities.push({ type: STYLE_OF_MARK[mark] ?? mark, offset: top.offset, length });
}

function bracket(state: State, character: string): void {
  const at = Buffer.byteLength(state.source.slice(0, state.position));
  state.position += 1;
  if (character === '[') {
    state.open.push({ mark: '[', offset: state.text.length, at });
    return;
  }
  const top = state.open.at(-1);
  if (top?.mark !== '[') {
    if (!state.isLegacy) throw new Error("Character ']' is reserved and must be escaped with the preceding '\\'");
    state.text += character;
    return;
  }
  state.open.pop();
  const link = /^\(((?:\\.|[^\\)])*)\)/.exec(state.source.slice(state.position));
  if (link === null) return;
  state.position += link[0].length;
  const url = (link[1] ?? '').replace(/\\(.)/g, '$1');
  const length = state.text.length - top.offset;
  if (length > 0 && url !== '') state.entities.push({ type: 'text_link', offset: top.offset, length, url });
}
