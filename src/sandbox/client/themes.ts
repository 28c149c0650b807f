import type { CSSProperties } from 'react';
import { themeParams } from '../telegram/theme.ts';
import type { Theme } from './url-state.ts';

/** The palette Mini Apps are launched with as CSS custom properties (`--tg-bg-color` …), for the phone around them. */
export function themeVariables(theme: Theme): CSSProperties {
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(themeParams(theme)))
    variables[`--tg-${name.replaceAll('_', '-')}`] = value;
  return variables as CSSProperties;
}

const colorPattern = /^#[0-9a-f]{6}$/i;

/** A colour named by a Mini App: `#rrggbb` or a theme key. Undefined when it is neither. */
export function resolveColor(color: string | undefined, theme: Theme): string | undefined {
  if (color === undefined) return undefined;
  if (colorPattern.test(color)) return color;
  return themeParams(theme)[color];
}

/** Whether text on this colour has to be light (WCAG relative luminance against the midpoint of black and white). */
export function isDarkColor(color: string): boolean {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((index) => Number.parseInt(color.slice(index, index + 2), 16) / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179;
}
