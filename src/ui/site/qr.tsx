import { create } from 'qrcode';

/** A QR code as one SVG path of horizontal strokes, drawn on the server: no script, no image request. Always dark on light, as scanners want. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { modules } = create(text, { errorCorrectionLevel: 'M' });
  const { size, data } = modules;
  const quiet = 3;
  const side = size + quiet * 2;
  const runs: string[] = [];
  for (let row = 0; row < size; row += 1) {
    for (let start = 0, column = 0; column <= size; column += 1) {
      if (column < size && data[row * size + column]) continue;
      if (column > start) runs.push(`M${start + quiet} ${row + quiet}h${column - start}`);
      start = column + 1;
    }
  }
  return (
    <svg
      viewBox={`0 0 ${side} ${side}`}
      role="img"
      aria-label={label}
      shapeRendering="crispEdges"
      className="size-44 rounded-card bg-white"
    >
      <path d={runs.join('')} transform="translate(0 0.5)" stroke="#000000" />
    </svg>
  );
}
