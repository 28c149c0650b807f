import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Palette, paletteOf, type ThemeParams } from '#ui/theme.ts';

/** WCAG 2.2 contrast, written apart from the code under test. */
function contrast(one: string, other: string): number {
  const luminance = (hex: string) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const theme = (colors: string): ThemeParams => {
  const names = [
    'bg',
    'text',
    'hint',
    'link',
    'button',
    'button_text',
    'secondary_bg',
    'section_bg',
    'destructive_text',
  ];
  return Object.fromEntries(colors.split(' ').map((color, index) => [`${names[index]}_color`, `#${color}`]));
};

/** bg text hint link button button_text secondary_bg section_bg destructive */
const PALETTES: Readonly<Record<string, ThemeParams>> = {
  'documentation sample, dark': theme('17212b f5f5f5 708499 6ab3f3 5288c1 ffffff 232e3c 17212b ec3942'),
  'purple sample, dark': theme('18222d ffffff b1c3d5 62bcf9 2ea6ff ffffff 131415 18222d ef5b5b'),
  'Telegram UI, light': theme('ffffff 000000 707579 2481cc 2481cc ffffff efeff4 ffffff df3f40'),
  'classic light': theme('ffffff 000000 999999 2481cc 2481cc ffffff f1f1f1 ffffff e53935'),
  'Web K, light': theme('ffffff 000000 707579 3390ec 3390ec ffffff f4f4f5 ffffff e53935'),
  'Web K, dark': theme('212121 ffffff aaaaaa 8774e1 8774e1 ffffff 0f0f0f 212121 e53935'),
  'iOS day': theme('ffffff 000000 8e8e93 007aff 007aff ffffff efeff4 ffffff ff3b30'),
  'iOS night': theme('000000 ffffff 98989e 3e88f7 3e88f7 ffffff 1c1c1d 1c1c1d eb5545'),
  'iOS tinted': theme('1d2733 ffffff 7d8b99 2f9bff 2f9bff ffffff 151e27 1d2733 ff6767'),
  'Android day': theme('ffffff 222222 a8a8a8 2678b6 50a8eb ffffff f0f0f0 ffffff cc2929'),
  'Android dark blue': theme('1d2733 ffffff 7d8b99 5eabe1 50a8eb ffffff 151e27 1d2733 ee686f'),
  'macOS day': theme('ffffff 000000 999999 2481cc 2481cc ffffff f4f4f4 ffffff ff3b30'),
  'macOS dark': theme('292929 ffffff 999999 3394ec 3394ec ffffff 202020 292929 ff453a'),
  'Desktop day': theme('ffffff 000000 999999 168acd 40a7e3 ffffff f1f1f1 ffffff d14e4e'),
  'Desktop night green': theme('282e33 f5f5f5 82868a 4be1c3 3fc1b0 ffffff 313b43 282e33 f57474'),
  'yellow buttons': theme('ffffff 000000 888888 caa000 ffd60a 000000 f5f5f5 ffffff ff3b30'),
  'pink on pink': theme('ffe4ec 5a2a3a c98aa0 e05a8a f08ab0 ffffff ffd0de ffe4ec d0204a'),
  sepia: theme('f4ecd8 5b4636 a08c70 8b5a2b a0703c fff8e8 eadfc4 f4ecd8 b0302a'),
  'high contrast': theme('000000 ffffff ffff00 00ffff ffff00 000000 000000 000000 ff0000'),
  'mid grey': theme('808080 777777 888888 7f7f7f 818181 808080 7a7a7a 808080 857575'),
  'one colour for everything': theme('3366cc 3366cc 3366cc 3366cc 3366cc 3366cc 3366cc 3366cc 3366cc'),
  'grounds that are opposites': theme('ffffff 000000 888888 3390ec 3390ec ffffff 000000 ffffff e53935'),
  'nothing given': {},
  'not colours': { bg_color: 'red', text_color: 'javascript:alert(1)' },
};

const TEXTS = ['text', 'hint', 'link', 'danger', 'gold-text'] as const;
const GROUNDS = ['canvas', 'surface', 'track', 'tint', 'gold-tint'] as const;

function expectReadable({ colors }: Palette) {
  for (const text of TEXTS) {
    for (const ground of GROUNDS) {
      expect(contrast(colors[text], colors[ground]), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
  }
  expect(contrast(colors['on-accent'], colors.accent), 'knob of a switch').toBeGreaterThanOrEqual(3);
  expect(contrast(colors['on-button'], colors.button), 'label of a button').toBeGreaterThanOrEqual(4.5);
  // The destructive button carries the surface's colour as its label.
  expect(contrast(colors.surface, colors.danger), 'label of a destructive button').toBeGreaterThanOrEqual(4.5);
  for (const ground of ['canvas', 'surface'] as const) {
    expect(contrast(colors.accent, colors[ground]), `mark on ${ground}`).toBeGreaterThanOrEqual(3);
    expect(contrast(colors.gold, colors[ground]), `star on ${ground}`).toBeGreaterThanOrEqual(3);
  }
}

describe('paletteOf', () => {
  it.each(Object.keys(PALETTES))('makes every pair of "%s" readable', (name) => {
    expectReadable(paletteOf(PALETTES[name] ?? {}, false));
  });

  it('makes any theme at all readable', () => {
    const color = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`);
    const names = Object.keys(theme('a b c d e f g h i'));
    const any = fc.record(Object.fromEntries(names.map((name) => [name, color])), { requiredKeys: [] });
    fc.assert(
      fc.property(any, fc.boolean(), (params, isDark) => expectReadable(paletteOf(params, isDark))),
      { numRuns: 500 },
    );
  });

  it('knows dark from light by the background, not by the device', () => {
    expect(paletteOf({ bg_color: '#17212b' }, false).scheme).toBe('dark');
    expect(paletteOf({ bg_color: '#ffffff' }, true).scheme).toBe('light');
    expect(paletteOf({}, true).scheme).toBe('dark');
    expect(paletteOf({}, false).scheme).toBe('light');
  });

  it('leaves alone what already reads', () => {
    const { colors } = paletteOf(PALETTES['high contrast'] ?? {}, true);
    expect(colors.text).toBe('#ffffff');
    expect(colors.link).toBe('#00ffff');
  });

  it('keeps the label of a button and moves the button', () => {
    const { colors } = paletteOf(PALETTES['documentation sample, dark'] ?? {}, true);
    expect(colors['on-button']).toBe('#ffffff');
    expect(colors.button).not.toBe('#5288c1');
  });
});
