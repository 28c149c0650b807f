/** The payload of a Mini App message: written by a foreign page, so every field is checked before use. */
export type Fields = Readonly<Record<string, unknown>>;

export function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function text(fields: Fields, name: string, maxLength = 4096): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value.length <= maxLength ? value : undefined;
}

export function flag(fields: Fields, name: string): boolean | undefined {
  const value = fields[name];
  return typeof value === 'boolean' ? value : undefined;
}

export function texts(fields: Fields, name: string): string[] {
  const value = fields[name];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item): item is string => typeof item === 'string');
}

/** Parses one posted message. Undefined when it is not Telegram's `{ eventType, eventData }` JSON string. */
export function parseBridgeMessage(raw: unknown): { name: string; data: unknown } | undefined {
  if (typeof raw !== 'string' || raw.length > 100_000) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(raw);
  } catch {
    return undefined;
  }
  const fields = asFields(parsed);
  const name = text(fields, 'eventType', 64);
  return name === undefined ? undefined : { name, data: fields['eventData'] };
}

/** Whether version `current` ("9.1") is at least `needed`. */
export function atLeast(current: string, needed: string): boolean {
  const [one, two] = [current, needed].map((version) => version.split('.').map(Number));
  for (let index = 0; index < 2; index += 1) {
    const difference = (one?.[index] ?? 0) - (two?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
