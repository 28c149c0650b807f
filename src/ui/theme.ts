/** Colours as Telegram's clients name them (`tgWebAppThemeParams`), all optional, `#rrggbb`. */
export type ThemeParams = Readonly<Record<string, string | undefined>>;

/** What the interface is painted with: every text token reads at WCAG AA on every ground it is used on. */
export type Palette = Readonly<{
  scheme: 'light' | 'dark';
  colors: Readonly<
    Record<
      | 'canvas'
      | 'surface'
      | 'track'
      | 'tint'
      | 'text'
      | 'hint'
      | 'link'
      | 'accent'
      | 'on-accent'
      | 'button'
      | 'on-button'
      | 'danger'
      | 'separator'
      | 'gold'
      | 'gold-text'
      | 'gold-tint',
      string
    >
  >;
}>;

/**
 * Turns a client's theme into a palette that keeps its hues and passes WCAG 2.2 AA: 4.5:1 for text, 3:1 for marks
 * (Telegram's own palettes do not: its hint on its section ground is often below 3). A theme so extreme that no text
 * colour could pass falls back to one of two built-in palettes, light or dark after the theme's background.
 *
 * It is printed into the page as source text and runs before the first paint, so everything it needs lies inside it: no
 * imports, no outer names.
 */
export function paletteOf(theme: ThemeParams, prefersDark: boolean): Palette {
  type Rgb = readonly [number, number, number];
  const WHITE: Rgb = [255, 255, 255];
  const BLACK: Rgb = [0, 0, 0];
  const TEXT_RATIO = 4.5;
  const MARK_RATIO = 3;
  const BUILT_IN = {
    light: {
      bg_color: '#ffffff',
      secondary_bg_color: '#efeff4',
      text_color: '#000000',
      hint_color: '#707579',
      link_color: '#1a73b8',
      button_color: '#1a73b8',
      button_text_color: '#ffffff',
      destructive_text_color: '#d1293d',
    },
    dark: {
      bg_color: '#1c242d',
      secondary_bg_color: '#131a21',
      text_color: '#f5f7f9',
      hint_color: '#8d9aa7',
      link_color: '#6ab3f3',
      button_color: '#2b7cc0',
      button_text_color: '#ffffff',
      destructive_text_color: '#ff6b6b',
    },
  };

  const parse = (value: string | undefined): Rgb | null => {
    const hex = /^#?([0-9a-f]{6})$/i.exec((value ?? '').trim())?.[1];
    return hex ? ([0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb) : null;
  };
  const print = (color: Rgb) => `#${color.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;
  const mix = (from: Rgb, to: Rgb, share: number): Rgb => {
    const part = (index: 0 | 1 | 2) => Math.round(from[index] + (to[index] - from[index]) * share);
    return [part(0), part(1), part(2)];
  };
  const luminance = (color: Rgb) => {
    const linear = (part: number) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(color[0]) + 0.7152 * linear(color[1]) + 0.0722 * linear(color[2]);
  };
  const contrast = (one: Rgb, other: Rgb) => {
    const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
    return (high + 0.05) / (low + 0.05);
  };
  const worst = (color: Rgb, grounds: readonly Rgb[]) => Math.min(...grounds.map((ground) => contrast(color, ground)));

  /** The colour nearest to `color`, on its way to white or black, that stands out from all grounds; null when none does. */
  const readable = (color: Rgb, grounds: readonly Rgb[], ratio: number): Rgb | null => {
    for (let step = 0; step <= 50; step += 1) {
      const candidates = [mix(color, WHITE, step / 50), mix(color, BLACK, step / 50)];
      const found = candidates.filter((candidate) => worst(candidate, grounds) >= ratio);
      if (found.length > 0)
        return found.reduce((best, next) => (worst(next, grounds) > worst(best, grounds) ? next : best));
    }
    return null;
  };

  /** The shade of a button nearest to its own on which its label reads; null when none does. */
  const shadeUnder = (label: Rgb, color: Rgb): Rgb | null => {
    const towards = luminance(label) > 0.5 ? BLACK : WHITE;
    for (let step = 0; step <= 25; step += 1) {
      const shade = mix(color, towards, step / 50);
      if (contrast(shade, label) >= TEXT_RATIO) return shade;
    }
    return null;
  };

  const paint = (params: ThemeParams): Palette | null => {
    const base = parse(params['bg_color']);
    if (!base) return null;
    const isDark = contrast(base, WHITE) > contrast(base, BLACK);
    const built = isDark ? BUILT_IN.dark : BUILT_IN.light;
    const pick = (name: keyof typeof built) => parse(params[name]) ?? (parse(built[name]) as Rgb);
    const surface = parse(params['section_bg_color']) ?? base;
    const second = pick('secondary_bg_color');
    const canvas = print(second) === print(surface) ? base : second;
    const grounds = [canvas, surface];
    const text = readable(pick('text_color'), grounds, 7) ?? readable(pick('text_color'), grounds, TEXT_RATIO);
    // Marks (switches, bars, chosen circles) must show on their ground; a button is told by its label.
    const accent = readable(pick('button_color'), grounds, MARK_RATIO);
    const label = parse(params['button_text_color']) ?? WHITE;
    if (!text || !accent) return null;
    const gold: Rgb = [245, 176, 0];
    const track = mix(surface, text, 0.07);
    const tint = mix(surface, accent, 0.12);
    const goldTint = mix(surface, gold, 0.12);
    const all = [canvas, surface, track, tint, goldTint];
    const button = shadeUnder(label, pick('button_color'));
    const onAccent = (ratio: number) => [label, WHITE, BLACK].find((color) => contrast(color, accent) >= ratio) ?? null;
    const parts = {
      canvas,
      surface,
      track,
      tint,
      text: readable(text, all, TEXT_RATIO),
      hint: readable(parse(params['subtitle_text_color']) ?? pick('hint_color'), all, TEXT_RATIO),
      link: readable(parse(params['accent_text_color']) ?? pick('link_color'), all, TEXT_RATIO),
      accent,
      // A knob is no text.
      'on-accent': onAccent(MARK_RATIO),
      button: button ?? accent,
      'on-button': button ? label : onAccent(TEXT_RATIO),
      danger: readable(pick('destructive_text_color'), all, TEXT_RATIO),
      separator: parse(params['section_separator_color']) ?? mix(surface, text, 0.14),
      gold: readable(gold, [canvas, surface, goldTint], MARK_RATIO),
      'gold-text': readable(gold, all, TEXT_RATIO),
      'gold-tint': goldTint,
    };
    if (Object.values(parts).some((color) => color === null)) return null;
    const colors = Object.fromEntries(Object.entries(parts).map(([name, color]) => [name, print(color as Rgb)]));
    return { scheme: isDark ? 'dark' : 'light', colors: colors as Palette['colors'] };
  };

  const base = parse(theme['bg_color']);
  const isDark = base ? contrast(base, WHITE) > contrast(base, BLACK) : prefersDark;
  return (paint(theme) ?? paint(isDark ? BUILT_IN.dark : BUILT_IN.light)) as Palette;
}

/** Puts a palette on the page. Attributes of the document and CSS variables, as the boot script does before first paint. */
export function applyPalette(palette: Palette): void {
  const root = document.documentElement;
  root.dataset['theme'] = palette.scheme;
  root.style.colorScheme = palette.scheme;
  for (const [name, color] of Object.entries(palette.colors)) root.style.setProperty(`--${name}`, color);
}
