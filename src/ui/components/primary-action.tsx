'use client';
import { useEffect, useRef } from 'react';
import { usePalette } from '#ui/appearance.tsx';
import { Button } from '#ui/components/controls.tsx';
import {
  type ButtonLook,
  drawMainButton,
  drawSecondaryButton,
  hasNativeButtons,
  hasSecondaryButton,
  onPress,
} from '#ui/telegram.ts';

export type Action = { text: string; onPress: () => void; isEnabled?: boolean; isBusy?: boolean; testId?: string };

/**
 * The screen's one main action, and at most one lesser. They are the client's own buttons; clients without them get
 * buttons at the bottom of the page.
 */
export function PrimaryAction({ main, lesser }: { main: Action; lesser?: Action }) {
  const hasMain = hasNativeButtons();
  const hasLesser = hasMain && hasSecondaryButton();
  useNativeButton('main', hasMain ? main : null);
  useNativeButton('lesser', hasLesser && lesser ? lesser : null);
  const shown = [
    ...(hasMain ? [] : [{ ...main, look: 'filled' as const }]),
    ...(lesser && !hasLesser ? [{ ...lesser, look: 'plain' as const }] : []),
  ];
  if (shown.length === 0) return null;
  return (
    <>
      <div className="h-24" />
      <div className="fixed inset-x-0 bottom-0 border-t-[0.5px] border-separator bg-canvas pt-3 pb-[calc(0.75rem+env(safe-area-inset-bottom))]">
        <div className="mx-auto flex max-w-xl flex-col gap-1 px-4 *:w-full">
          {shown.map((action) => (
            <Button
              key={action.look}
              onPress={action.onPress}
              look={action.look}
              isDisabled={action.isEnabled === false}
              isBusy={action.isBusy === true}
              {...(action.testId ? { testId: action.testId } : {})}
            >
              {action.text}
            </Button>
          ))}
        </div>
      </div>
    </>
  );
}

function useNativeButton(kind: 'main' | 'lesser', action: Action | null): void {
  const { colors } = usePalette();
  const latest = useRef(action);
  latest.current = action;
  const isShown = action !== null;
  const look: ButtonLook = {
    text: action?.text ?? '',
    isEnabled: action?.isEnabled !== false,
    isBusy: action?.isBusy === true,
  };
  const { text, isEnabled, isBusy } = look;
  const draw = kind === 'main' ? drawMainButton : drawSecondaryButton;
  const button = kind === 'main' ? colors.button : colors.canvas;
  const label = kind === 'main' ? colors['on-button'] : colors.link;

  useEffect(() => {
    if (isShown) draw({ text, isEnabled, isBusy }, { button, text: label });
  }, [isShown, draw, text, isEnabled, isBusy, button, label]);

  useEffect(() => {
    if (!isShown) return;
    const stop = onPress(kind === 'main' ? 'main_button_pressed' : 'secondary_button_pressed', () => {
      // Some clients deliver presses of a disabled button (Telegram-Mini-Apps/issues#2).
      const now = latest.current;
      if (now && now.isEnabled !== false && !now.isBusy) now.onPress();
    });
    return () => {
      stop();
      draw(null, { button: '', text: '' });
    };
  }, [isShown, kind, draw]);
}
