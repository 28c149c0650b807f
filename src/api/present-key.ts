import type { OwnKey } from '#domain/billing-key/records.ts';
import type { Language } from '#domain/identity/rules.ts';
import { presentInstant, presentInstantOrNull } from './present.ts';
import type { BillingKeyView } from './privacy-views.ts';

/** A billing key as its owner sees it. */
export function presentKey(key: OwnKey, language: Language): BillingKeyView {
  return {
    id: key.id,
    state: key.state,
    fingerprint: key.fingerprint,
    userIds: [...key.userIds],
    algorithm: key.algorithm,
    expiresAt: presentInstantOrNull(key.expiresAt, language),
    createdAt: presentInstant(key.createdAt, language),
    retiredAt: presentInstantOrNull(key.retiredAt, language),
    message: key.message,
    triesLeft: key.triesLeft,
  };
}
