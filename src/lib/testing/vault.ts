import { makeVault } from '../vault.ts';

/** A vault with keys that everybody knows. */
export const TEST_VAULT = makeVault({
  dataKey: new Uint8Array(32).fill(7),
  previousDataKey: null,
  subjectKey: new Uint8Array(32).fill(8),
});
