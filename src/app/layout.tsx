import type { Metadata, Viewport } from 'next';
import { headers } from 'next/headers';
import type { ReactNode } from 'react';
import { BOOT_SCRIPT } from '#ui/boot-script.ts';
import { languageOfHeader } from '#ui/message-format.ts';
import './globals.css';

export const metadata: Metadata = {
  title: { default: 'Hoshi', template: '%s · Hoshi' },
  description: 'Privacy-first billing for Telegram',
  applicationName: 'Hoshi',
  manifest: '/manifest.webmanifest',
  icons: {
    icon: [
      { url: '/icon.svg', type: 'image/svg+xml' },
      { url: '/favicon.ico', sizes: '32x32' },
    ],
    apple: '/apple-touch-icon.png',
  },
  formatDetection: { telephone: false, date: false, email: false, address: false },
};

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  interactiveWidget: 'resizes-content',
};

/** The document of every page. The boot script sets language, colours and surface on it before React knows of it. */
export default async function RootLayout({ children }: { children: ReactNode }) {
  const received = await headers();
  const language = received.get('x-hoshi-language') ?? languageOfHeader(received.get('accept-language'));
  const nonce = received.get('x-nonce') ?? undefined;
  return (
    <html lang={language} suppressHydrationWarning>
      <head>
        {/* biome-ignore lint/security/noDangerouslySetInnerHtml: our own source text, allowed by the request's nonce. */}
        <script nonce={nonce} suppressHydrationWarning dangerouslySetInnerHTML={{ __html: BOOT_SCRIPT }} />
      </head>
      <body>{children}</body>
    </html>
  );
}
