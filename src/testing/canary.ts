import { randomBytes } from 'node:crypto';
import type pg from 'pg';

/** Texts and numbers that nobody but their owner should ever find: each is unlike everything else in the world. */
export type Marks = ReturnType<typeof makeMarks>;

let people = 0;

/** Makes marks and remembers them. `of` gives the same mark for the same name. */
export function makeMarks() {
  const known = new Map<string, string>();
  const keep = (name: string, make: () => string) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const made = make();
    known.set(name, made);
    return made;
  };
  return {
    /** A word of letters, digits and underscores, which any field takes: a name, a handle, a comment. */
    of: (name: string) => keep(name, () => `Canary_${randomBytes(6).toString('hex')}`),
    /** A Telegram id of ten digits. */
    id: (name: string): number => {
      const text = keep(name, () => {
        people += 1;
        return String(7_310_000_000 + randomBytes(3).readUIntBE(0, 3) * 10 + people);
      });
      return Number(text);
    },
    /** Something that exists already and is as secret. */
    add: (name: string, text: string) => keep(name, () => text),
    get all(): ReadonlyArray<readonly [name: string, text: string]> {
      return [...known];
    },
  };
}

/** Where a mark was found, and in which form: `job.payload: name of stars as base64`. */
type Trace = string;

/** The forms in which a text may lie somewhere, by their names. Whatever is beside it in base64, one of three alignments fits. */
function formsOf(text: string): ReadonlyArray<readonly [form: string, text: string]> {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    // The first and the last letters also say something of what is beside it.
    return ['base64', whole.slice(before === 0 ? 0 : 4, -4)] as const;
  });
  return [['plain', text.toLowerCase()], ['hex', bytes.toString('hex')], ...base64];
}

/** Looks for marks, in any form, in a text. */
export function tracesIn(place: string, text: string, marks: Pick<Marks, 'all'>): Trace[] {
  // In base64 small and capital letters mean different things, and addresses have an alphabet of their own.
  const [lower, base64] = [text.toLowerCase(), text.replaceAll('-', '+').replaceAll('_', '/')];
  const found = marks.all.flatMap(([name, mark]) =>
    formsOf(mark)
      .filter(([form, said]) => (form === 'base64' ? base64 : lower).includes(said))
      .map(([form]) => `${place}: ${name} as ${form}`),
  );
  return [...new Set(found)];
}

type Column = { table_name: string; column_name: string };

/** Everything that lies in a database, by `table.column`: each value as text, bytes as the text that they may be and as hex. */
export async function readWholeDatabase(pool: pg.Pool): Promise<ReadonlyMap<string, string>> {
  const { rows: columns } = await pool.query<Column>(
    `SELECT c.table_name, c.column_name FROM information_schema.columns c
     JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema') AND t.table_type = 'BASE TABLE'
     ORDER BY 1, c.ordinal_position`,
  );
  const whole = new Map<string, string>();
  for (const { column_name: column, table_name: table } of columns) {
    const { rows } = await pool.query<{ value: unknown; text: string }>(
      `SELECT "${column}" AS value, "${column}"::text AS text FROM "${table}" WHERE "${column}" IS NOT NULL`,
    );
    const texts = rows.flatMap(({ text, value }) =>
      Buffer.isBuffer(value) ? [text, value.toString('latin1')] : [text],
    );
    whole.set(`${table}.${column}`, texts.join('\n'));
  }
  return whole;
}

/** Where marks lie in a database. */
export async function tracesInDatabase(pool: pg.Pool, marks: Pick<Marks, 'all'>): Promise<Trace[]> {
  const whole = await readWholeDatabase(pool);
  return [...whole].flatMap(([place, text]) => tracesIn(place, text, marks));
}
