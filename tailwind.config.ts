import type { Config } from 'tailwindcss';

/**
 * The design tokens. Colours are CSS variables that src/ui/theme.ts fills from the theme of the person's Telegram, corrected
 * until every pair is readable; sizes follow Telegram's own lists (17/15/13 px text, 8-px grid, 12-px corners).
 */
export default {
  theme: {
    extend: {
      colors: {
        canvas: 'var(--canvas)',
        surface: 'var(--surface)',
        track: 'var(--track)',
        tint: 'var(--tint)',
        text: 'var(--text)',
        hint: 'var(--hint)',
        link: 'var(--link)',
        accent: 'var(--accent)',
        'on-accent': 'var(--on-accent)',
        button: 'var(--button)',
        'on-button': 'var(--on-button)',
        danger: 'var(--danger)',
        separator: 'var(--separator)',
        gold: 'var(--gold)',
        'gold-text': 'var(--gold-text)',
        'gold-tint': 'var(--gold-tint)',
      },
      fontSize: {
        display: ['34px', { lineHeight: '40px', letterSpacing: '-0.01em', fontWeight: '700' }],
        title: ['28px', { lineHeight: '34px', letterSpacing: '-0.01em', fontWeight: '700' }],
        heading: ['20px', { lineHeight: '26px', fontWeight: '600' }],
        body: ['17px', { lineHeight: '24px' }],
        sub: ['15px', { lineHeight: '20px' }],
        note: ['13px', { lineHeight: '18px' }],
      },
      borderRadius: { card: '12px' },
      minHeight: { target: '44px' },
      minWidth: { target: '44px' },
      transitionDuration: { quick: '160ms' },
    },
  },
} satisfies Config;
