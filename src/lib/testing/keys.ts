import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A captured key of `keys/`: how each was made stands in the README there. */
export function capturedKey(name: string): string {
  return readFileSync(join(import.meta.dirname, 'keys', `${name}.asc`), 'utf8');
}
