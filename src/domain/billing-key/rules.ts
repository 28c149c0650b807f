import { z } from 'zod';

/** What is kept of a key, sealed under its owner's data key. */
export const SealedKey = z.object({
  /** The public key in binary, base64. */
  publicKey: z.base64(),
  /** Hexadecimal, upper case. */
  fingerprint: z.string(),
  userIds: z.array(z.string()),
  /** "Curve25519", "RSA 3072". */
  algorithm: z.string(),
  /** The message with the code that its owner has to read; null once they did. */
  message: z.string().nullable(),
});
export type SealedKey = z.infer<typeof SealedKey>;

export const KEY_STATES = ['unproven', 'active', 'expiring', 'expired', 'retired'] as const;
/** `expiring` is used as `active` is; while all are `expired`, records wait. */
export type KeyState = (typeof KEY_STATES)[number];

/** A key of each device, and one to change to. */
export const MAX_ACTIVE_KEYS = 3;
/** How many codes are made for a person within a day. */
export const MAX_CHALLENGES = 5;
export const CHALLENGE_WINDOW_MS = 86_400_000;
/** How often a code is tried. One of eight characters is not guessed, and need not be mistyped more often. */
export const MAX_CODE_TRIES = 5;
/** How many days before its end the owner of a key is told; 0: that it has ended. */
export const TOLD_DAYS = [0, 1, 7, 30] as const;
export const EXPIRING_DAYS = 30;

const DAY_MS = 86_400_000;

/** The state of a key at a moment. Its end is looked at when it is used, so that nothing is encrypted to it after that. */
export function keyState(
  { expiresAt, status }: { status: 'unproven' | 'active' | 'retired'; expiresAt: Date | null },
  now: Date,
): KeyState {
  if (status !== 'active' || expiresAt === null) return status;
  if (expiresAt <= now) return 'expired';
  return expiresAt.getTime() <= now.getTime() + EXPIRING_DAYS * DAY_MS ? 'expiring' : 'active';
}

/** The notice that is due for a key which ends at `expiresAt`: 30, 7, 1 days ahead or 0, after its end. Null: none yet. */
export function dueNotice(expiresAt: Date | null, now: Date): number | null {
  if (expiresAt === null) return null;
  return TOLD_DAYS.find((days) => expiresAt.getTime() <= now.getTime() + days * DAY_MS) ?? null;
}

/** Letters and digits that are not taken for one another (Crockford's base 32). */
export const CODE_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
export const CODE_LENGTH = 8;

/** A code as somebody typed it: spaces and hyphens left out, O read as 0, I and L as 1. */
export function readCode(typed: string): string {
  return typed.toUpperCase().replaceAll(/[\s-]/g, '').replaceAll('O', '0').replaceAll(/[IL]/g, '1');
}
