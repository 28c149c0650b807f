import type { CSSProperties } from 'react';
import type { Theme } from './url-state.ts';

/** Telegram's theme parameters as clients hand them to a Mini App (`#RRGGBB`). */
export type ThemeParams = Readonly<Record<string, `#${string}`>>;

/** The palettes of Telegram's own apps: the day theme and the blue-grey night theme. */
export const themeParams: Readonly<Record<Theme, ThemeParams>> = {
  light: {
    bg_color: '#ffffff',
    secondary_bg_color: '#f0f0f5',
    section_bg_color: '#ffffff',
    header_bg_color: '#ffffff',
    bottom_bar_bg_color: '#ffffff',
    text_color: '#000000',
    hint_color: '#8e8e93',
    subtitle_text_color: '#8e8e93',
    section_header_text_color: '#6d6d72',
    section_separator_color: '#dcdce0',
    link_color: '#2481cc',
    accent_text_color: '#2481cc',
    button_color: '#2481cc',
    button_text_color: '#ffffff',
    destructive_text_color: '#e53935',
  },
  dark: {
    bg_color: '#17212b',
    secondary_bg_color: '#0e1621',
    section_bg_color: '#17212b',
    header_bg_color: '#17212b',
    bottom_bar_bg_color: '#17212b',
    text_color: '#f5f5f5',
    hint_color: '#7d8b99',
    subtitle_text_color: '#7d8b99',
    section_header_text_color: '#6ab3f3',
    section_separator_color: '#0f1922',
    link_color: '#6ab3f3',
    accent_text_color: '#6ab2f2',
    button_color: '#5288c1',
    button_text_color: '#ffffff',
    destructive_text_color: '#ec3942',
  },
};

/** The same palette as CSS custom properties (`--tg-bg-color` …) for the phone itself. */
export function themeVariables(theme: Theme): CSSProperties {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(themeParams[theme])) variables[`--tg-${name.replaceAll('_', '-')}`] = value;
  return variables as CSSProperties;
}

const colorPattern = /^#[0-9a-f]{6}$/i;

/** A colour named by a Mini App: `#rrggbb` or a theme key. Undefined when it is neither. */
export function resolveColor(color: string | undefined, theme: Theme): string | undefined {
  if (color === undefined) return undefined;
  if (colorPattern.test(color)) return color;
  return themeParams[theme][color];
}

/** Whether text on this colour has to be light (WCAG relative luminance against the midpoint of black and white). */
export function isDarkColor(color: string): boolean {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((index) => Number.parseInt(color.slice(index, index + 2), 16) / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179;
}
