import { create } from 'qrcode';

/** A QR code as one SVG path, drawn on the server: no script, no image request. Always dark on light, as scanners want. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { modules } = create(text, { errorCorrectionLevel: 'M' });
  const { size, data } = modules;
  const quiet = 3;
  const cells = Array.from(data, (dark, index) =>
    dark ? `M${(index % size) + quiet} ${Math.floor(index / size) + quiet}h1v1h-1z` : '',
  );
  const side = size + quiet * 2;
  return (
    <svg
      viewBox={`0 0 ${side} ${side}`}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
      className="size-44 rounded-card bg-white"
    >
      <path d={cells.join('')} fill="#000000" />
    </svg>
  );
}
