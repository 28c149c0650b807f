import { type RefObject, useEffect, useRef } from 'react';

const focusable =
  'button:not(:disabled), a[href], input:not(:disabled), select:not(:disabled), textarea, iframe, [tabindex="0"]';

function keepFocusInside(container: HTMLElement, event: KeyboardEvent): void {
  const stops = [...container.querySelectorAll<HTMLElement>(focusable)];
  const first = stops[0];
  const last = stops.at(-1);
  if (!first || !last) return;
  const active = document.activeElement;
  if (event.shiftKey && (active === first || active === container)) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && active === last) {
    event.preventDefault();
    first.focus();
  }
}

/**
 * Gives a dialog its keyboard manners: focus moves in, Escape closes, focus returns to where it was. With `keepsFocus`
 * Tab stays inside; the phone's own sheets let it out, since the desk around them stays in use.
 */
export function useModal<Element extends HTMLElement>(
  onEscape: () => void,
  keepsFocus = false,
): RefObject<Element | null> {
  const container = useRef<Element>(null);
  const onEscapeNow = useRef(onEscape);
  onEscapeNow.current = onEscape;
  useEffect(() => {
    const element = container.current;
    if (!element) return;
    const before = document.activeElement;
    element.focus({ preventScroll: true });
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Tab' && keepsFocus) keepFocusInside(element, event);
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      onEscapeNow.current();
    };
    element.addEventListener('keydown', onKeyDown);
    return () => {
      element.removeEventListener('keydown', onKeyDown);
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, [keepsFocus]);
  return container;
}
