import { SANDBOX_VALUES } from '../env-modes.ts';
import { readSigner } from '../openpgp.ts';
import { makeVault } from '../vault.ts';

/** A vault with keys that everybody knows. */
export const TEST_VAULT = makeVault({
  dataKey: new Uint8Array(32).fill(7),
  previousDataKey: null,
  subjectKey: new Uint8Array(32).fill(8),
});

/** Signs what tests have signed: the sandbox's public key. */
export const TEST_SIGNER = await readSigner(SANDBOX_VALUES.signingKey);
