/**
 * What the procedures of the privacy centre show: keys, the log, records, what the server sees, the copy and the erasure.
 * Written as views.ts says.
 */
import type { KeyState } from '#domain/billing-key/rules.ts';
import type { Obstacle, RecordType } from '#domain/billing-record/rules.ts';
import type { GroupObstacle } from '#domain/personal-log/rules.ts';
import type { ErasedClass, RetainedClass } from '#domain/privacy/erasure/rules.ts';
import type { ExportObstacle } from '#domain/privacy/export/rules.ts';
import type { Surface } from '#domain/provider/capability.ts';
import type { InstantView, MoneyView } from './views.ts';

/**
 * An OpenPGP key to which the reader's billing records are encrypted. `expiring` is in use and ends within 30 days; nothing is
 * encrypted to an `expired` one.
 */
export type BillingKeyView = {
  id: string;
  state: KeyState;
  /** Hexadecimal, upper case, without spaces. */
  fingerprint: string;
  userIds: string[];
  /** "Curve25519", "RSA 3072". */
  algorithm: string;
  expiresAt: InstantView | null;
  createdAt: InstantView;
  retiredAt: InstantView | null;
  /** The armoured message that holds the code to enter; null when none is waited for. */
  message: string | null;
  triesLeft: number;
};

/** Where the person's billing records go, and what of them has not arrived. */
export type PersonalLogView = {
  /** A group is chosen. Records go to the chat with the bot all the same while there is an obstacle. */
  isBound: boolean;
  boundAt: InstantView | null;
  obstacle: GroupObstacle | null;
  /** The bot may write to the person. */
  isReachable: boolean;
  isOn: boolean;
  isSilent: boolean;
  asDocument: boolean;
  /** For how long this server keeps its copy of a delivered record; 0: not at all. */
  keepDays: number;
  /** Opens the bot, which asks for a group. */
  bindUrl: string;
  /** Records that wait for a key of their owner's. */
  withoutKey: number;
  /** Records that are delivered by themselves. */
  onTheirWay: number;
  /** What keeps some of those at present. */
  delay: Obstacle | null;
  /** Records that wait until somebody does something; the newest of them are `records`. */
  held: number;
  records: HeldRecordView[];
};

export type HeldRecordView = {
  id: string;
  type: RecordType;
  createdAt: InstantView;
  obstacle: Obstacle;
  /** Its owner may have it sent again. */
  canSend: boolean;
};

/** A billing record as this server has it. What it says only its owner's key tells. */
export type RecordView = {
  id: string;
  /** The payment it belongs to, also where it tells of a refund. */
  paymentId: string;
  type: RecordType;
  /** `waiting`: for a key of its owner's. `dropped`: it was delivered, and this server's copy is gone. */
  state: 'waiting' | 'sealed' | 'delivered' | 'dropped';
  /** The OpenPGP message in base64; null while it waits, and once it was dropped. */
  ciphertext: string | null;
};

/** `isWhole` false: more records than fit into one answer; ask for fewer payments. */
export type PaymentRecordsView = { records: RecordView[]; isWhole: boolean };

/** The OpenPGP keys of this server in one armoured block: the one with which it signs records, then earlier ones. */
export type SigningKeyView = { publicKey: string; fingerprint: string };

/** How something of a person's is kept: as it is; encrypted, and the server has the key; encrypted, and only its owner has it. */
export type SeenStorage = 'plain' | 'server' | 'owner';

export const SEEN_CLASSES = [
  'account',
  'running',
  'payments',
  'orders',
  'jobs',
  'audit',
  'exports',
  'agreements',
  'telegram',
  'cards',
  'keys',
  'log',
  'waiting',
  'webhooks',
  'sealed',
] as const;
export type SeenClass = (typeof SEEN_CLASSES)[number];

export const SEEN_FACTS = [
  'id',
  'language',
  'role',
  'botMayWrite',
  'reminders',
  'salesNotices',
  'hash',
  'telegramId',
  'plan',
  'renews',
  'ends',
  'sum',
  'returned',
  'refunds',
  'newest',
  'amount',
  'status',
  'provider',
  'charge',
  'time',
  'paid',
  'card',
  'fingerprint',
  'size',
  'group',
  'keeps',
  'kind',
] as const;
export type SeenFact = (typeof SEEN_FACTS)[number];

/** One kind of thing that the server has of the reader, from their own rows. */
export type SeenClassView = {
  name: SeenClass;
  storage: SeenStorage;
  /** Null: those of one person cannot be found. */
  count: number | null;
  /** There are more than `count`. */
  isMore: boolean;
  from: InstantView | null;
  to: InstantView | null;
  /** For how many days it is kept, where that is a number. */
  keepDays: number | null;
  /** Values as the server has them. */
  facts: { label: SeenFact; value: string }[];
};

/** A copy of the reader's data that the bot sends to their chat. */
export type DataExportView = {
  id: string;
  status: 'requested' | 'running' | 'sent' | 'failed';
  /** Percent. */
  progress: number;
  obstacle: ExportObstacle | null;
  /** Documents that were sent. */
  documents: number;
  /** Of the bytes of its documents, one after the other; null until it was sent. */
  sha256: string | null;
  createdAt: InstantView;
  completedAt: InstantView | null;
};

/** The copy asked for last, and whether the bot may write to the reader. */
export type ExportStateView = { latest: DataExportView | null; isReachable: boolean; chatUrl: string };

/** The person's erasure: how it stands, what is in the way, and what it would do now. */
export type ErasureView = {
  /** Of the last that was asked for. */
  id: string | null;
  state: 'none' | 'waiting' | 'running' | 'completed' | 'completed_partially' | 'cancelled' | 'failed';
  /** When it begins; null unless it waits. The text has the time too. */
  dueAt: InstantView | null;
  minutesLeft: number | null;
  /** What is typed to confirm it, in the reader's language. */
  word: string;
  blockers: ErasureBlockerView[];
  goes: { class: ErasedClass; count: number }[];
  /** `count` null: it cannot be told apart from others'. `until` null: as long as the service exists. */
  stays: { class: RetainedClass; count: number | null; until: InstantView | null }[];
};

export type ErasureBlockerView =
  | { kind: 'subscription'; subscriptionId: string; planName: string }
  | { kind: 'order'; invoiceId: string; planName: string; isHeld: boolean }
  | { kind: 'refund' | 'dispute'; paymentId: string }
  | { kind: 'balance'; money: MoneyView }
  | { kind: 'products'; count: number };

/** What a person agreed to by paying. */
export type AgreementsView = {
  given: { kind: 'terms' | 'privacy'; version: string; surface: Surface; givenAt: InstantView; isCurrent: boolean }[];
};
