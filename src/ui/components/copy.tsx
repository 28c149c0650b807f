'use client';
import { useEffect, useRef, useState } from 'react';
import { copyToClipboard } from '#ui/clipboard.ts';
import { Icon } from '#ui/components/icons.tsx';
import { useT } from '#ui/i18n.tsx';

/** A text to take along. Where copying is not allowed it is selected instead, ready for the client's own copy. */
export function CopyText({ text, testId }: { text: string; testId?: string }) {
  const t = useT();
  const code = useRef<HTMLElement>(null);
  const [state, setState] = useState<'idle' | 'copied' | 'selected'>('idle');

  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), 2_500);
    return () => clearTimeout(timer);
  }, [state]);

  const copy = async () => {
    const isCopied = await copyToClipboard(text);
    if (!isCopied && code.current) getSelection()?.selectAllChildren(code.current);
    setState(isCopied ? 'copied' : 'selected');
  };

  return (
    <button
      type="button"
      onClick={copy}
      className="flex min-h-11 max-w-full items-center gap-2 text-start text-note text-link"
    >
      <code
        ref={code}
        data-testid={testId}
        className={`min-w-0 font-mono text-note text-text select-text ${text.includes(' ') ? '' : 'break-all'}`}
      >
        {text}
      </code>
      <Icon name={state === 'copied' ? 'check' : 'copy'} className="size-4" />
      <span role="status" className={state === 'idle' ? 'sr-only' : ''}>
        {state === 'idle' ? t('copy.action') : t(state === 'copied' ? 'copy.done' : 'copy.selected')}
      </span>
    </button>
  );
}
