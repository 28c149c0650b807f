/**
 * The versions of the texts that people agree to by paying. A changed text needs a new version here, and its date in the texts
 * themselves: a test compares `sha256`, the hash of all its words in every language, with the texts as they are.
 */
export const DOCUMENT_VERSIONS = {
  terms: { version: '2026-11-27', sha256: '5bea073e513b3a66c931b85808b97dba2a0a5d22cb25ca407bfefc2ef358bc4e' },
  privacy: { version: '2026-11-29', sha256: '98a77e3e40bff43d0d2c8383f50ffeac19be24a8f7963da160c97a9965ce281f' },
} as const;

/** What somebody agrees to who pays now. */
export const AGREEMENT = {
  terms: DOCUMENT_VERSIONS.terms.version,
  privacy: DOCUMENT_VERSIONS.privacy.version,
} as const;
