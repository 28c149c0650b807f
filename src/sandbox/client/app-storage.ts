import { asFields, type Fields, text, texts } from './bridge-fields.ts';

type Area = 'cloud' | 'device' | 'secure';

/** Secure storage holds ten items per user and bot (Bot API 9.0); cloud storage 1024. */
const limits: Readonly<Record<Area, number>> = { cloud: 1024, device: 4096, secure: 10 };
const keyPattern = /^[\w-]{1,128}$/;

function read(area: Area, userId: number): Record<string, string> {
  const raw = localStorage.getItem(`sandbox.${area}.${userId}`);
  if (raw === null) return {};
  const entries = Object.entries(asFields(JSON.parse(raw)));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

function write(area: Area, userId: number, values: Record<string, string>): void {
  localStorage.setItem(`sandbox.${area}.${userId}`, JSON.stringify(values));
}

type Answer = { result: unknown } | { error: string };

function save(userId: number, params: Fields): Answer {
  const key = text(params, 'key', 128);
  const value = text(params, 'value', 4096);
  if (key === undefined || !keyPattern.test(key)) return { error: 'KEY_INVALID' };
  if (value === undefined) return { error: 'VALUE_INVALID' };
  const values = { ...read('cloud', userId), [key]: value };
  if (Object.keys(values).length > limits.cloud) return { error: 'STORAGE_QUOTA_EXCEEDED' };
  write('cloud', userId, values);
  return { result: true };
}

/** Custom methods of `web_app_invoke_custom_method`: cloud storage per user, the time, and the refused contact. */
export function invokeCustomMethod(userId: number, method: string, params: Fields, nowMs: number): Answer {
  const values = read('cloud', userId);
  switch (method) {
    case 'getStorageKeys':
      return { result: Object.keys(values) };
    case 'getStorageValues':
      return { result: Object.fromEntries(texts(params, 'keys').map((key) => [key, values[key] ?? ''])) };
    case 'saveStorageValue':
      return save(userId, params);
    case 'deleteStorageValues': {
      for (const key of texts(params, 'keys')) delete values[key];
      write('cloud', userId, values);
      return { result: true };
    }
    case 'getCurrentTime':
      return { result: Math.floor(nowMs / 1000) };
    case 'getRequestedContact':
      return { error: 'CONTACT_NOT_REQUESTED' };
    default:
      return { error: 'METHOD_NOT_FOUND' };
  }
}

export type StorageEvent = { name: string; data: Fields };

/**
 * `web_app_device_storage_*` and `web_app_secure_storage_*`: answers with the event Telegram would send. `action` is
 * the method's last word(s): save_key, get_key, restore_key or clear.
 */
export function deviceStorage(area: 'device' | 'secure', userId: number, action: string, data: Fields): StorageEvent {
  const id = { req_id: text(data, 'req_id') ?? '' };
  const values = read(area, userId);
  const key = text(data, 'key', 4096) ?? '';
  if (action === 'clear') {
    write(area, userId, {});
    return { name: `${area}_storage_cleared`, data: id };
  }
  if (action === 'get_key') {
    return { name: `${area}_storage_key_received`, data: { ...id, value: values[key] ?? null } };
  }
  if (action !== 'save_key') return { name: `${area}_storage_failed`, data: { ...id, error: 'RESTORE_UNAVAILABLE' } };
  const value = text(data, 'value', 100_000);
  if (value === undefined) delete values[key];
  else values[key] = value;
  if (Object.keys(values).length > limits[area]) {
    return { name: `${area}_storage_failed`, data: { ...id, error: 'QUOTA_EXCEEDED' } };
  }
  write(area, userId, values);
  return { name: `${area}_storage_key_saved`, data: id };
}
