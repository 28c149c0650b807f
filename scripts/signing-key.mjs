// npm run signing-key: prints a new SIGNING_KEY, with which a server signs billing records and the heads of its audit. Where one
// is set already it is to be replaced: then also SIGNING_KEYS_PREVIOUS, by which what that one signed stays this server's.
import { existsSync } from 'node:fs';
import { generateKey, readKey } from 'openpgp';

if (existsSync('.env')) process.loadEnvFile('.env');
const base64 = (bytes) => Buffer.from(bytes).toString('base64');

try {
  const earlier = await publicHalves();
  const { privateKey, publicKey } = await generateKey({
    userIDs: [{ name: 'Hoshi billing' }],
    format: 'binary',
    subkeys: [],
    // Nothing is signed before a key's date, and the clocks of servers differ.
    date: new Date(Date.now() - 86_400_000),
  });
  const key = await readKey({ binaryKey: publicKey });
  console.log(`SIGNING_KEY=${base64(privateKey)}`);
  if (earlier.length > 0) console.log(`SIGNING_KEYS_PREVIOUS=${earlier.join(',')}`);
  console.log(`
Fingerprint ${key.getFingerprint().toUpperCase()}. Keep it as secret as the other keys, and do not lose it:
what it signed is checked with this public key.

${key.armor()}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

/** The public halves of the key that is set and of those before it, the latest first, each once. */
async function publicHalves() {
  const given = ['SIGNING_KEY', 'SIGNING_KEYS_PREVIOUS'].flatMap((variable) =>
    (process.env[variable] ?? '').split(',').map((value) => ({ variable, value: value.trim() })),
  );
  const halves = [];
  for (const { value, variable } of given) {
    if (value === '') continue;
    const key = await readKey({ binaryKey: Buffer.from(value, 'base64') }).catch(() => null);
    if (key === null) throw new Error(`${variable} holds something that is no OpenPGP key.`);
    halves.push(base64(key.toPublic().write()));
  }
  return [...new Set(halves)];
}
