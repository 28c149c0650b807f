import { z } from 'zod';

/*
 * A group of variables that belong together and are optional together: without any of them what they set up is not there;
 * with some of them the rest is asked for. In sandbox mode a group has public values of its own.
 */

export type EnvSource = Readonly<Record<string, string | undefined>>;

/** One variable that is wrong: its name, and what is wrong and what to set in a plain sentence. */
export type EnvProblem = { variable: string; message: string };

/** A secret that is being replaced is accepted until a day; null when no rotation is under way. */
export type PreviousSecret = Readonly<{ secret: string; until: Date }> | null;

type Shape = Readonly<Record<string, z.ZodType>>;
type Values<Given extends Shape> = { readonly [Name in keyof Given]: z.output<Given[Name]> };

export type EnvGroup<Given extends Shape = Shape> = Readonly<{
  names: ReadonlyArray<string>;
  /** Of these the sandbox has public values, which live mode refuses. */
  secrets: ReadonlyArray<string>;
  /** Their values where the sandbox is on, at its address as browsers see it. */
  sandboxDefaults(sandboxUrl: string): EnvSource;
  /** What is wrong with the group in `source`, in which the sandbox's defaults are merged where it is on. */
  findProblems(source: EnvSource, mode: { isSandbox: boolean }): EnvProblem[];
  /** The checked values; null when the group is not set up. For a source without problems. */
  read(source: EnvSource): Values<Given> | null;
}>;

/**
 * `variables` say what each looks like when it is set; `needed` are asked for once any of the group is set. `secrets` are
 * those of the sandbox's values that live mode refuses, and the sandbox takes no others. A secret may be replaced while
 * both count: then `<name>_PREVIOUS` and `<name>_PREVIOUS_UNTIL` are variables too, of which neither goes without the other.
 */
export function defineEnvGroup<const Given extends Shape>(group: {
  variables: Given;
  needed: ReadonlyArray<keyof Given & string>;
  secrets: ReadonlyArray<keyof Given & string>;
  sandbox: Readonly<Partial<Record<keyof Given & string, string>>>;
  /** Addresses below the sandbox's: `/payme`, or an empty text for the sandbox itself. */
  sandboxPaths?: Readonly<Partial<Record<keyof Given & string, string>>>;
}): EnvGroup<Given> {
  const names: ReadonlyArray<keyof Given & string> = Object.keys(group.variables);
  const isUsed = (source: EnvSource) => names.some((name) => source[name] !== undefined);
  return {
    names,
    secrets: group.secrets,

    sandboxDefaults(sandboxUrl) {
      const paths = Object.entries(group.sandboxPaths ?? {}).map(([name, path]) => [name, `${sandboxUrl}${path}`]);
      return { ...group.sandbox, ...Object.fromEntries(paths) };
    },

    findProblems(source, { isSandbox }) {
      const problems = names.flatMap((name) => judge(name, source[name], group.variables[name]));
      const say = (variable: string, message: string) => problems.push({ variable, message });
      for (const name of group.needed)
        if (isUsed(source) && source[name] === undefined)
          say(name, 'is missing. Set it, or unset the others of this provider.');
      for (const name of group.secrets) {
        const isPublic = source[name] === group.sandbox[name];
        if (!isSandbox && isPublic && source[name] !== undefined)
          say(name, 'is the sandbox’s public value, which anyone can read. Set your own.');
        if (isSandbox && !isPublic && source[name] !== undefined)
          say(name, 'is a real key while the sandbox is on. Unset it: the sandbox never runs with real keys.');
      }
      return [...problems, ...names.flatMap((name) => judgeRotation(name, source))];
    },

    read(source) {
      if (!isUsed(source)) return null;
      const entries = names.map((name) => [name, group.variables[name]?.parse(source[name])]);
      return Object.fromEntries(entries) as Values<Given>;
    },
  };
}

function judge(variable: string, value: string | undefined, schema: z.ZodType | undefined): EnvProblem[] {
  if (value === undefined || !schema) return [];
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : [{ variable, message: parsed.error.issues[0]?.message ?? 'is wrong.' }];
}

/** A secret that is being replaced is accepted for a stated time only: a rotation without an end is a second secret. */
export function judgeRotation(variable: string, source: EnvSource): EnvProblem[] {
  if (!variable.endsWith('_PREVIOUS')) return [];
  const until = `${variable}_UNTIL`;
  if ((source[variable] === undefined) === (source[until] === undefined)) return [];
  return source[variable] === undefined
    ? [{ variable, message: 'is missing while its end is set. Set it or unset the end.' }]
    : [{ variable: until, message: 'is missing. Say until when the previous one is accepted.' }];
}

/** The two variables of a rotation as one. */
export function toPreviousSecret(secret: string | undefined, until: Date | undefined): PreviousSecret {
  return secret !== undefined && until !== undefined ? { secret, until } : null;
}

/** What variables look like that several groups have. */
export const envText = {
  digits: z.string().regex(/^[1-9]\d{0,17}$/, 'must be a number, as the provider gave it.'),
  secret: z.string().regex(/^[\x21-\x7e]{8,256}$/, 'must be 8 to 256 visible ASCII characters.'),
  basisPoints: z
    .string()
    .regex(/^\d{1,4}$/, 'must be basis points, 0 to 9999 (200 = 2 %).')
    .transform(Number),
  wholeNumber: (least: number, most: number) =>
    z
      .string()
      .regex(/^\d{1,9}$/, `must be a whole number, ${least} to ${most}.`)
      .transform(Number)
      .refine((value) => value >= least && value <= most, `must be a whole number, ${least} to ${most}.`),
  /** An address, with or without a path, without a slash at its end. */
  address: z
    .string()
    .refine(
      (value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
      'must be an address, like https://checkout.paycom.uz.',
    )
    .transform((value) => value.replace(/\/+$/, '')),
  flag: z
    .enum(['true', 'false', '1', '0'], { error: 'must be true or false.' })
    .transform((value) => value === 'true' || value === '1'),
  instant: z.iso
    .datetime({ offset: true, error: 'must be an instant with its zone, like 2026-12-01T00:00:00Z.' })
    .transform((value) => new Date(value)),
};
