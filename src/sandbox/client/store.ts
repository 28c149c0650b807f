import { useSyncExternalStore } from 'react';
import type { SimEvent, SimFaults, SimMessage, SimState, SimTraffic } from '../control.ts';
import { api } from './api.ts';

/** One message between the Mini App and this client, kept for the wire log. */
export type BridgeEntry = {
  id: number;
  atMs: number;
  /** `to_client`: posted by the Mini App. `to_app`: an event of ours. */
  direction: 'to_client' | 'to_app';
  name: string;
  data: unknown;
  /** The client version is too old for this method, or nobody knows it: it was ignored. */
  ignored: boolean;
};

export type Snapshot = {
  connection: 'connecting' | 'live' | 'lost';
  state: SimState | undefined;
  /** Sandbox time minus this browser's time. */
  skewMs: number;
  chats: ReadonlyMap<number, ReadonlyArray<SimMessage>>;
  unread: ReadonlyMap<number, number>;
  traffic: ReadonlyArray<SimTraffic>;
  bridge: ReadonlyArray<BridgeEntry>;
  /** Grows whenever subscriptions or transactions may have changed. */
  accountsRevision: number;
  /** Grows with every reset: whatever is open on the phone belongs to the time before. */
  epoch: number;
};

export type CallbackAnswer = Extract<SimEvent, { type: 'callback_answer' }>;

const trafficLimit = 300;
const eventTypes = ['state', 'message', 'message_deleted', 'traffic', 'callback_answer'] as const;

let snapshot: Snapshot = {
  connection: 'connecting',
  state: undefined,
  skewMs: 0,
  chats: new Map(),
  unread: new Map(),
  traffic: [],
  bridge: [],
  accountsRevision: 0,
  epoch: 0,
};
let activeUserId: number | undefined;
let bridgeSequence = 0;
/** Changes of the faults are sent one after the other: the last one made is the last one sent. */
let faultQueue: Promise<void> = Promise.resolve();
/** Chats being fetched, with the messages that were announced meanwhile and may be missing in the answer. */
const loads = new Set<{ userId: number; arrived: SimMessage[] }>();
const subscribers = new Set<() => void>();
const answerListeners = new Set<(answer: CallbackAnswer) => void>();

function update(change: Partial<Snapshot>): void {
  snapshot = { ...snapshot, ...change };
  for (const notify of subscribers) notify();
}

function insertMessage(list: ReadonlyArray<SimMessage>, message: SimMessage): ReadonlyArray<SimMessage> {
  const known = list.some((other) => other.message_id === message.message_id);
  if (known) return list.map((other) => (other.message_id === message.message_id ? message : other));
  return [...list, message].sort((one, two) => one.message_id - two.message_id);
}

/** Whoever has not changed stays the same object, so that their row is not drawn again. */
function keepUnchanged(users: SimState['users']): SimState['users'] {
  const before = new Map(snapshot.state?.users.map((user) => [user.id, user]));
  return users.map((user) => {
    const known = before.get(user.id);
    return known && JSON.stringify(known) === JSON.stringify(user) ? known : user;
  });
}

function applyState(state: SimState): void {
  update({
    state: { ...state, users: keepUnchanged(state.users) },
    skewMs: state.nowMs - Date.now(),
    connection: 'live',
    accountsRevision: snapshot.accountsRevision + 1,
  });
}

function applyMessage(userId: number, message: SimMessage): void {
  for (const load of loads) if (load.userId === userId) load.arrived.push(message);
  const chats = new Map(snapshot.chats);
  const list = chats.get(userId);
  const isNew = !list?.some((other) => other.message_id === message.message_id);
  if (list) chats.set(userId, insertMessage(list, message));
  const unread = new Map(snapshot.unread);
  if (isNew && userId !== activeUserId && message.from !== 'user') unread.set(userId, (unread.get(userId) ?? 0) + 1);
  update({ chats, unread, accountsRevision: snapshot.accountsRevision + 1 });
}

function applyDeletion(userId: number, messageId: number): void {
  const chats = new Map(snapshot.chats);
  chats.set(
    userId,
    (chats.get(userId) ?? []).filter((message) => message.message_id !== messageId),
  );
  update({ chats });
}

function applyTraffic(entry: SimTraffic): void {
  const known = snapshot.traffic.some((other) => other.id === entry.id);
  const traffic = known
    ? snapshot.traffic.map((other) => (other.id === entry.id ? entry : other))
    : [entry, ...snapshot.traffic].slice(0, trafficLimit);
  update({ traffic });
}

function applyEvent(event: SimEvent): void {
  switch (event.type) {
    case 'state':
      applyState(event.state);
      break;
    case 'message':
      applyMessage(event.user_id, event.message);
      break;
    case 'message_deleted':
      applyDeletion(event.user_id, event.message_id);
      break;
    case 'traffic':
      applyTraffic(event.traffic);
      break;
    case 'callback_answer':
      for (const listener of answerListeners) listener(event);
  }
}

async function fetchChat(userId: number): Promise<ReadonlyArray<SimMessage>> {
  const load = { userId, arrived: [] as SimMessage[] };
  loads.add(load);
  try {
    const messages = await api.messages(userId);
    return load.arrived.reduce<ReadonlyArray<SimMessage>>(insertMessage, messages);
  } finally {
    loads.delete(load);
  }
}

async function loadChat(userId: number): Promise<void> {
  const messages = await fetchChat(userId);
  update({ chats: new Map(snapshot.chats).set(userId, messages) });
}

/** Fetches everything anew: at the start, after a lost connection and after a reset. Throws `SimRefusal`. */
async function reload(): Promise<void> {
  const [state, traffic] = await Promise.all([api.state(), api.traffic()]);
  const reader = state.users.find((user) => user.id === activeUserId);
  const chats = new Map<number, ReadonlyArray<SimMessage>>();
  if (reader) chats.set(reader.id, await fetchChat(reader.id));
  update({ chats, traffic });
  applyState(state);
}

/** Follows the sandbox until the returned function is called. The event source reconnects by itself. */
function connect(): () => void {
  const source = new EventSource('/sim/events');
  const receive = (event: MessageEvent<string>) => applyEvent(JSON.parse(event.data) as SimEvent);
  source.onmessage = receive;
  for (const type of eventTypes) source.addEventListener(type, receive);
  source.onopen = () => {
    reload().catch(() => update({ connection: 'lost' }));
  };
  source.onerror = () => update({ connection: 'lost' });
  return () => source.close();
}

/** The client's picture of the sandbox and the only way to change it. */
export const store = {
  connect,
  connectionLost: () => update({ connection: 'lost' }),
  reload,
  loadChat,
  /** Tells which chat is on the phone: its messages count as read. */
  setActiveUser(userId: number | undefined): void {
    activeUserId = userId;
    if (userId === undefined || !snapshot.unread.has(userId)) return;
    const unread = new Map(snapshot.unread);
    unread.delete(userId);
    update({ unread });
  },
  markRead(chatId: number): void {
    if (!snapshot.unread.has(chatId)) return;
    const unread = new Map(snapshot.unread);
    unread.delete(chatId);
    update({ unread });
  },
  logBridge(entry: Omit<BridgeEntry, 'id' | 'atMs'>): void {
    bridgeSequence += 1;
    const atMs = Date.now() + snapshot.skewMs;
    update({ bridge: [{ ...entry, id: bridgeSequence, atMs }, ...snapshot.bridge].slice(0, trafficLimit) });
  },
  /** Starts the sandbox over: users, chats, clock and faults as on the first day. Throws `SimRefusal`. */
  async reset(): Promise<void> {
    await api.reset();
    await reload();
    update({ unread: new Map(), bridge: [], epoch: snapshot.epoch + 1 });
  },
  /** Sets the faults. Shown at once, so that the next change builds on this one; throws `SimRefusal`. */
  setFaults(faults: SimFaults): Promise<void> {
    if (snapshot.state) update({ state: { ...snapshot.state, faults } });
    faultQueue = faultQueue.catch(() => undefined).then(async () => void (await api.setFaults(faults)));
    return faultQueue;
  },
  onCallbackAnswer(listener: (answer: CallbackAnswer) => void): () => void {
    answerListeners.add(listener);
    return () => answerListeners.delete(listener);
  },
};

function subscribe(notify: () => void): () => void {
  subscribers.add(notify);
  return () => subscribers.delete(notify);
}

/** A part of the picture. Only a change of that part draws again: the wire log alone grows several times a second. */
export function useSnapshot<Part>(select: (now: Snapshot) => Part): Part {
  return useSyncExternalStore(subscribe, () => select(snapshot));
}
