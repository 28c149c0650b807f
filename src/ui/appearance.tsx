'use client';
import { createContext, type ReactNode, useContext, useEffect, useLayoutEffect, useState } from 'react';
import type { Launch } from '#ui/launch.ts';
import { askForTheme, connect, drawSettingsButton, onVisibility, paintBars } from '#ui/telegram.ts';
import { applyPalette, type Palette, paletteOf, type ThemeParams } from '#ui/theme.ts';

const PaletteContext = createContext<Palette | null>(null);

const prefersDark = () => matchMedia('(prefers-color-scheme: dark)').matches;

/** Connects to the client and follows its theme. The first palette is the one the boot script painted. */
export function AppearanceProvider({
  launch,
  webOrigin,
  children,
}: {
  launch: Launch;
  webOrigin: string;
  children: ReactNode;
}) {
  const [palette, setPalette] = useState(() => paletteOf(launch.theme, prefersDark()));

  // Before the effects of the screens below, which draw the client's buttons: a reloaded page may start on any screen.
  useLayoutEffect(() => {
    const onTheme = (theme: ThemeParams) => setPalette(paletteOf(theme, prefersDark()));
    const disconnect = connect(launch, webOrigin, onTheme);
    drawSettingsButton(true);
    const stop = onVisibility((isVisible) => {
      if (isVisible) askForTheme();
    });
    return () => {
      stop();
      disconnect();
    };
  }, [launch, webOrigin]);

  useEffect(() => {
    applyPalette(palette);
    paintBars(palette);
  }, [palette]);

  return <PaletteContext value={palette}>{children}</PaletteContext>;
}

/** The palette on the page now, for what the client paints for us. Only inside AppearanceProvider. */
export function usePalette(): Palette {
  const palette = useContext(PaletteContext);
  if (palette === null) throw new Error('usePalette needs an AppearanceProvider');
  return palette;
}
