import type { Args } from '../telegram/args.ts';
import { ASSET_CODES, type Asset, isAsset, toUnits } from './money.ts';
import { Refusal } from './refusal.ts';

/** Reads the parameters of one call; each refusal names the parameter, as in EXPIRES_IN_INVALID. */
export class Fields {
  readonly #args: Args;

  constructor(args: Args) {
    this.#args = args;
  }

  text(name: string, longest: number): string | undefined {
    const text = this.#args.text(name);
    if (text === '') return undefined;
    if (text.length > longest) throw invalid(name);
    return text;
  }

  required(name: string, longest: number): string {
    const text = this.text(name, longest);
    if (text === undefined) throw new Refusal(`${name.toUpperCase()}_REQUIRED`);
    return text;
  }

  oneOf<T extends string>(name: string, options: readonly T[]): T | undefined {
    const text = this.text(name, 64);
    const found = options.find((option) => option === text);
    if (text !== undefined && found === undefined) throw invalid(name);
    return found;
  }

  number(name: string, least: number, most: number): number | undefined {
    const text = this.text(name, 20);
    if (text === undefined) return undefined;
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most)) throw invalid(name);
    return number;
  }

  id(name: string): number {
    const number = this.number(name, 1, Number.MAX_SAFE_INTEGER);
    if (number === undefined) throw new Refusal(`${name.toUpperCase()}_REQUIRED`);
    return number;
  }

  flag(name: string, fallback: boolean): boolean {
    const text = this.text(name, 10)?.toLowerCase();
    if (text === undefined) return fallback;
    if (!['true', 'false', '1', '0'].includes(text)) throw invalid(name);
    return text === 'true' || text === '1';
  }

  asset(name = 'asset'): Asset {
    const code = this.required(name, 16);
    if (!isAsset(code)) throw invalid(name);
    return code;
  }

  /** A list written with commas or as a JSON array. */
  list(name: string): string[] | undefined {
    const text = this.text(name, 100_000);
    if (text === undefined) return undefined;
    if (!text.startsWith('[')) return text.split(',').map((item) => item.trim());
    try {
      return (JSON.parse(text) as unknown[]).map(String);
    } catch {
      throw invalid(name);
    }
  }

  assets(name: string): Asset[] {
    const codes = this.list(name);
    if (codes === undefined) return [...ASSET_CODES];
    return codes.map((code) => {
      if (!isAsset(code)) throw invalid(name);
      return code;
    });
  }

  /** An amount of coins: decimal text with no more decimals than the coin has. */
  coins(asset: Asset): { text: string; units: bigint } {
    const text = this.required('amount', 60);
    const units = toUnits(asset, text);
    if (units === null || units === 0n) throw invalid('amount');
    return { text, units };
  }
}

export function invalid(name: string): Refusal {
  return new Refusal(`${name.toUpperCase()}_INVALID`);
}
