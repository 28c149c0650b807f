import { type Fields, flag, text } from './bridge-fields.ts';

export type NativeButton = {
  visible: boolean;
  active: boolean;
  progress: boolean;
  shine: boolean;
  text: string;
  color: string | undefined;
  textColor: string | undefined;
  position: 'left' | 'right' | 'top' | 'bottom';
};

/** What the Mini App has asked of the native frame around it. Colours are `#rrggbb` or a theme key. */
export type Chrome = {
  ready: boolean;
  expanded: boolean;
  main: NativeButton;
  secondary: NativeButton;
  backVisible: boolean;
  settingsVisible: boolean;
  confirmsClosing: boolean;
  allowsSwipe: boolean;
  reloadSupported: boolean;
  header: string;
  background: string;
  bottomBar: string;
};

const hiddenButton: NativeButton = {
  visible: false,
  active: true,
  progress: false,
  shine: false,
  text: '',
  color: undefined,
  textColor: undefined,
  position: 'left',
};

export const freshChrome: Chrome = {
  ready: false,
  expanded: false,
  main: hiddenButton,
  secondary: hiddenButton,
  backVisible: false,
  settingsVisible: false,
  confirmsClosing: false,
  allowsSwipe: true,
  reloadSupported: false,
  header: 'header_bg_color',
  background: 'bg_color',
  bottomBar: 'bottom_bar_bg_color',
};

const positions: ReadonlyArray<NativeButton['position']> = ['left', 'right', 'top', 'bottom'];

/** Merges `web_app_setup_main_button` / `_secondary_button` into a button: what is not named stays as it was. */
export function patchButton(button: NativeButton, data: Fields): NativeButton {
  const position = positions.find((known) => known === data['position']);
  const label = text(data, 'text', 64)?.trim();
  return {
    visible: flag(data, 'is_visible') ?? button.visible,
    active: flag(data, 'is_active') ?? button.active,
    progress: flag(data, 'is_progress_visible') ?? button.progress,
    shine: flag(data, 'has_shine_effect') ?? button.shine,
    text: label || button.text,
    color: text(data, 'color', 7) ?? button.color,
    textColor: text(data, 'text_color', 7) ?? button.textColor,
    position: position ?? button.position,
  };
}
