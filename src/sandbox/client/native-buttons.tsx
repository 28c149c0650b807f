import type { CSSProperties } from 'react';
import type { Chrome, NativeButton } from './app-chrome.ts';
import { usePhone } from './phone-context.ts';
import { resolveColor } from './themes.ts';

function NativeBottomButton(props: {
  button: NativeButton;
  testId: string;
  fallback: { color: string; textColor: string };
  onPress: () => void;
}) {
  const { button } = props;
  const { theme } = usePhone();
  const style: CSSProperties = {
    background: resolveColor(button.color, theme) ?? props.fallback.color,
    color: resolveColor(button.textColor, theme) ?? props.fallback.textColor,
  };
  return (
    <button
      type="button"
      className={`native-button${button.shine && button.active && !button.progress ? ' shine' : ''}`}
      style={style}
      data-testid={props.testId}
      disabled={!button.active}
      aria-busy={button.progress}
      onClick={props.onPress}
    >
      {button.progress && <span className="spinner" />}
      <span className={button.progress ? 'visually-hidden' : ''}>{button.text}</span>
    </button>
  );
}

/** Telegram's MainButton and SecondaryButton under the Mini App, placed as the app asked. */
export function NativeButtons({ chrome, post }: { chrome: Chrome; post: (name: string) => void }) {
  const { main, secondary } = chrome;
  const showMain = main.visible && main.text !== '';
  const showSecondary = secondary.visible && secondary.text !== '';
  if (!showMain && !showSecondary) return null;
  return (
    <div className={`native-buttons secondary-${secondary.position}`}>
      {showSecondary && (
        <NativeBottomButton
          button={secondary}
          testId="secondary-button"
          fallback={{ color: 'transparent', textColor: 'var(--link)' }}
          onPress={() => post('secondary_button_pressed')}
        />
      )}
      {showMain && (
        <NativeBottomButton
          button={main}
          testId="main-button"
          fallback={{ color: 'var(--button)', textColor: 'var(--button-text)' }}
          onPress={() => post('main_button_pressed')}
        />
      )}
    </div>
  );
}
