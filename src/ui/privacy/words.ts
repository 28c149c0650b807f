/** A fingerprint in groups of four, as other programs show it. */
export function groupedFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(/(.{4})(?=.)/g, '$1 ');
}

/** The last four characters, by which a person tells keys apart. */
export function endOf(fingerprint: string): string {
  return fingerprint.slice(-4);
}

const MIN_LENGTH = 12;
const MIN_DIFFERENT = 6;
const STRONG_LENGTH = 20;
const STRONG_WORDS = 4;

export type Strength = Readonly<{ level: 'empty' | 'short' | 'simple' | 'fair' | 'strong'; missing: number }>;

/** What is said about a passphrase while it is typed; `fair` and `strong` are accepted. Counts characters as people do. */
export function judgePassphrase(passphrase: string): Strength {
  const characters = [...passphrase];
  const missing = Math.max(0, MIN_LENGTH - characters.length);
  if (characters.length === 0) return { level: 'empty', missing };
  if (missing > 0) return { level: 'short', missing };
  if (new Set(characters).size < MIN_DIFFERENT) return { level: 'simple', missing };
  const words = new Set(passphrase.split(/[\s\-_.,、。]+/).filter((word) => word.length >= 3));
  return { level: characters.length >= STRONG_LENGTH || words.size >= STRONG_WORDS ? 'strong' : 'fair', missing };
}

const MAX_KEY_BYTES = 65_536;

/** What must not even be sent: a private key, and what the server does not look at. The server judges the rest. */
export function uploadFault(text: string): 'private' | 'tooLarge' | null {
  if (/PRIVATE KEY BLOCK/.test(text)) return 'private';
  return new TextEncoder().encode(text).byteLength > MAX_KEY_BYTES ? 'tooLarge' : null;
}
