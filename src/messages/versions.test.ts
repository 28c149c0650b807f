import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { retentionTimes } from '#domain/context/retention.ts';
import en from './en.ts';
import ja from './ja.ts';
import { AGREEMENT, DOCUMENT_VERSIONS } from './versions.ts';

const KINDS = ['terms', 'privacy'] as const;
const hashOf = (kind: (typeof KINDS)[number]) =>
  createHash('sha256')
    .update(JSON.stringify([en.app.documents[kind], ja.app.documents[kind]]))
    .digest('hex');

describe('the texts that people agree to', () => {
  it.each(KINDS)('%s: who changes it gives it a new version, and its hash', (kind) => {
    expect({ ...DOCUMENT_VERSIONS[kind], sha256: hashOf(kind) }).toEqual(DOCUMENT_VERSIONS[kind]);
  });

  it.each(KINDS)('%s: the date of the version stands in the text', (kind) => {
    const date = new Date(`${AGREEMENT[kind]}T00:00:00Z`);
    const written = (locale: string) =>
      new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' }).format(date);
    expect(en.app.documents[kind].version).toContain(written('en-GB'));
    expect(ja.app.documents[kind].version).toContain(written('ja'));
  });

  it('name the times that the code keeps, and each of them', () => {
    const text = JSON.stringify([en.app.documents.privacy, ja.app.documents.privacy]);
    const named = new Set([...text.matchAll(/\{(\w+)[,}]/g)].map(([, name]) => name));
    const policy = { retentionYears: 7, webhookBodyRetentionDays: 7 } as Parameters<typeof retentionTimes>[0];
    const times = Object.keys(retentionTimes(policy));
    // Of no person: answers for servers, and bodies of messages that were of no use.
    const technical = ['storedAnswerDays', 'uncaredBodyDays'];
    expect([...named].sort()).toEqual(times.filter((name) => !technical.includes(name)).sort());
  });
});
