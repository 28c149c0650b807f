/** Random numbers from a seed (mulberry32), so that a run can be repeated. */
export function makeRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const whole = (below) => Math.floor(next() * below);
  return { whole, chance: (probability) => next() < probability, pick: (list) => list[whole(list.length)] };
}

/** Texts that have broken programs before: terminators, traversal, markup, SQL, broken Unicode, and too much of it. */
export const TEXTS = [
  '',
  ' ',
  '\0',
  'inv_\0x',
  '\ud800',
  '\u202e',
  '💣',
  "' OR 1=1 --",
  "x'; DROP TABLE payment; --",
  '$1::jsonb',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '../../etc/passwd',
  '%00',
  '%',
  '%ff',
  '\r\nSet-Cookie: a=b',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  'true',
  '-1',
  '0',
  '1e9',
  '9007199254740993',
  '99999999999999999999999999',
  'usr_nobody',
  'pay_nobody',
  'inv_nobody',
  'sub_nobody',
  'prc_nobody',
  'a'.repeat(101),
  'ｆｕｌｌ',
  'a'.repeat(5_000),
];

/** Values of other kinds than the one that is asked for. */
const VALUES = [
  null,
  true,
  0,
  -0,
  -1,
  1.5,
  1e-7,
  2 ** 53,
  1e308,
  [],
  {},
  [[]],
  [null],
  { length: 1e9 },
  { contains: '' },
  { $ne: null },
  { toString: 'x' },
];

/** Any value: a hostile text mostly, sometimes a number, a list, an object or something deep. */
export function anyValue(random) {
  if (random.chance(0.6)) return random.pick(TEXTS);
  if (random.chance(0.9)) return random.pick(VALUES);
  let deep = random.pick(TEXTS);
  for (let level = random.whole(40); level > 0; level -= 1) deep = random.chance(0.5) ? [deep] : { deep };
  return deep;
}

/** A copy of `fields` in which one, some or none are left out, exchanged or added. */
export function mutate(random, fields) {
  const copy = { ...fields };
  for (let changes = random.whole(4); changes > 0; changes -= 1) {
    const names = Object.keys(copy);
    if (names.length > 0 && random.chance(0.3)) delete copy[random.pick(names)];
    else if (names.length > 0 && random.chance(0.8)) copy[random.pick(names)] = anyValue(random);
    else copy[random.pick(['__proto', 'admin', 'role', 'user_id', 'x'.repeat(300)])] = anyValue(random);
  }
  return copy;
}

/** `value` as JSON, and now and then as something that is almost JSON: cut off, doubled keys, no UTF-8, thousands of levels. */
export function toBytes(random, value) {
  const json = Buffer.from(JSON.stringify(value));
  if (random.chance(0.8)) return json;
  const text = json.toString();
  return random.pick([
    () => json.subarray(0, random.whole(json.length + 1)),
    () => Buffer.concat([json, Buffer.from([0xff, 0xfe])]),
    () => Buffer.from(`\ufeff${text}`),
    () => Buffer.from(text.replace('{', '{"__proto__":{"amount":1},"constructor":{"prototype":{}},')),
    () => Buffer.from(text.replace('{', '{"amount":1,"update_id":1,')),
    () => Buffer.from('['.repeat(random.whole(50_000))),
    () => Buffer.from(`{"a":`.repeat(5_000)),
    () => Buffer.from('1e400'),
    () => Buffer.alloc(random.whole(300_000), 97),
    () => Buffer.alloc(0),
  ])();
}
