/**
 * Command lines as Go programs take them, and values as Go reads them.
 */
import { parseArgs } from 'node:util';

/** The flags that a program knows. One that is in neither list is refused by name. */
export interface FlagTable<Name extends string> {
  /** Flags that are acted on, with their defaults; a boolean default makes a boolean flag. */
  readonly used: Readonly<Record<Name, string | boolean>>;
  /** Flags that are taken, and without effect. */
  readonly ignored: { readonly texts: readonly string[]; readonly booleans: readonly string[] };
}

/** A command line that was read: what it says for each flag of the table. */
export interface GivenFlags<Name extends string> {
  /** What was given last, or the default. */
  readonly text: (name: Name) => string;
  /** What was given last of any flag, also of one without effect; undefined where it was not given. */
  readonly given: (name: string) => string | undefined;
  /** All that was given of a list, in order: it may stand several times, with commas within. */
  readonly list: (name: Name) => readonly string[];
  /** Flags without effect that were given. */
  readonly ignored: readonly string[];
}

/** @throws Error that names the flag which is unknown or lacks its value */
export function readFlags<Name extends string>(
  argv: readonly string[],
  { used, ignored }: FlagTable<Name>,
): GivenFlags<Name> {
  const defaults: Readonly<Record<string, string | boolean>> = used;
  const isBoolean = new Set([
    ...Object.keys(defaults).filter((name) => typeof defaults[name] === 'boolean'),
    ...ignored.booleans,
  ]);
  const names = [...Object.keys(defaults), ...ignored.texts, ...ignored.booleans];
  const { values } = parseArgs({
    // A boolean flag of Go's may stand alone or have a value; parseArgs knows only one of both. And of
    // `-v=3` it would take `=3` for the value.
    args: argv.map((word) =>
      /^-/.test(word) && isBoolean.has(word.replace(/^--?/, ''))
        ? `${word}=true`
        : word.replace(/^(-\w)=/, '$1'),
    ),
    options: Object.fromEntries(
      names.map((name) => [name, { type: 'string' as const, multiple: true, ...short(name) }]),
    ),
    strict: true,
  }) as { values: Record<string, string[] | undefined> };
  const given = (name: string) => (Object.hasOwn(values, name) ? values[name]?.at(-1) : undefined);
  return {
    text: (name) => given(name) ?? String(defaults[name]),
    given,
    list: (name) => (values[name] ?? []).flatMap((text) => text.split(',')).filter(Boolean),
    ignored: Object.keys(values).filter((name) => !Object.hasOwn(defaults, name)),
  };
}

function short(name: string): { short?: string } {
  return name.length === 1 ? { short: name } : {};
}

/** What Go's strconv.ParseBool takes. @param label flag or variable that has this text */
export function readBoolean(label: string, text: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw wrongValue(label, text, 'true or false');
}

/** A whole number in decimal digits. */
export function readNumber(label: string, text: string, min: number, max: number): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw wrongValue(label, text, `a whole number from ${min} to ${max}`);
}

const MS_BY_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const DURATION_PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const DURATION = /^((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/;

/**
 * A duration above zero as Go's time.ParseDuration takes it: `1m30s`, `1.5h`.
 * @returns ms
 */
export function readDuration(label: string, text: string): number {
  let ms = 0;
  if (DURATION.test(text)) {
    for (const [, number, unit = ''] of text.matchAll(DURATION_PART)) {
      ms += Number(number) * (MS_BY_UNIT[unit] ?? 0);
    }
  }
  if (ms > 0) return ms;
  throw wrongValue(label, text, 'a duration above zero, like 1m30s');
}

/** The error about a flag or a variable that has a wrong value. */
export function wrongValue(label: string, text: string, expected: string): Error {
  return new Error(`${label}=${text}: expected ${expected}`);
}
