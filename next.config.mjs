/** Headers of every answer, files included. The content security policy needs a nonce per request: see src/proxy.ts. */
const SECURITY_HEADERS = [
  { key: 'X-Content-Type-Options', value: 'nosniff' },
  { key: 'Referrer-Policy', value: 'no-referrer' },
  {
    key: 'Permissions-Policy',
    value:
      'accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=(), browsing-topics=()',
  },
  { key: 'Cross-Origin-Resource-Policy', value: 'same-origin' },
];

/** @type {import('next').NextConfig} */
export default {
  poweredByHeader: false,
  reactStrictMode: true,
  // One reads files beside its own and is given the fonts that another parsed; one asks for an optional package while it runs.
  serverExternalPackages: ['pdfkit', 'fontkit', 'openpgp'],
  // The build of OpenPGP.js for pages is a third of the whole, and there is none of it for the server, which never runs it.
  turbopack: { resolveAlias: { 'openpgp/lightweight': { browser: 'openpgp/lightweight', default: 'openpgp' } } },
  headers: async () => [{ source: '/:path*', headers: SECURITY_HEADERS }],
};
