import { create } from 'qrcode';
import { Html, html } from '../page.ts';

const QUIET_ZONE = 2;

/** A QR code as SVG, drawn here since the pages load no images from anywhere. */
export function renderQr(text: string, label: string): Html {
  const { modules } = create(text, { errorCorrectionLevel: 'L' });
  const { size } = modules;
  const rows = Array.from({ length: size }, (_, y) =>
    Array.from({ length: size }, (__, x) => (modules.get(y, x) ? `M${x} ${y}h1v1h-1z` : '')).join(''),
  );
  const box = `-${QUIET_ZONE} -${QUIET_ZONE} ${size + 2 * QUIET_ZONE} ${size + 2 * QUIET_ZONE}`;
  return html`<svg class="qr" viewBox="${box}" role="img" aria-label="${label}" shape-rendering="crispEdges"><path fill="#000" d="${new Html(rows.join(''))}"/></svg>`;
}
