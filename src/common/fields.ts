/**
 * Reading of objects as the API server sends them. The CustomResourceDefinitions check types, but
 * an object may be older than its definition, and Kube-OVN's own definitions check less. Pure.
 */
import { show } from './text.ts';

/** What is wrong with a field, and what to do about it. */
export interface FieldProblem {
  readonly message: string;
  readonly advice: string;
}

/** The fields of one object; where one is absent or null, there is nothing to report. */
export interface Fields {
  /** Empty where it is absent. */
  text(name: string): string;
  /** False where it is absent. */
  flag(name: string): boolean;
  /** An integer within these limits. */
  integer(name: string, min: number, max: number): number | undefined;
  texts(name: string): readonly string[];
  /** Texts by key, like labels. */
  textMap(name: string): ReadonlyMap<string, string>;
  part(name: string): Fields;
  parts(name: string): readonly Fields[];
}

type Raw = Readonly<Record<string, unknown>>;

/**
 * @param path of `value`, like `spec`: what problems are said about
 * @param report takes each field that has another type than it is read as
 */
export function readFields(
  value: unknown,
  path: string,
  report: (problem: FieldProblem) => void,
): Fields {
  const raw = isRaw(value) ? value : {};
  const refuse = (at: string, found: unknown, expected: string) => {
    report({ message: `${at} is wrong: ${show(found)}`, advice: `make it ${expected}` });
  };
  if (value !== undefined && value !== null && !isRaw(value)) refuse(path, value, 'an object');

  /** The value of a field, where it is there and `isRight`. */
  const read = <T>(
    name: string,
    isRight: (found: unknown) => found is T,
    expected: string,
  ): T | undefined => {
    const found = Object.hasOwn(raw, name) ? raw[name] : undefined;
    if (found === undefined || found === null) return undefined;
    if (isRight(found)) return found;
    refuse(`${path}.${name}`, found, expected);
    return undefined;
  };
  return {
    text: (name) => read(name, isText, 'a string') ?? '',
    flag: (name) => read(name, isFlag, 'true or false') ?? false,
    integer: (name, min, max) =>
      read(name, isIntegerFrom(min, max), `an integer from ${min} to ${max}`),
    texts: (name) => read(name, isTexts, 'a list of strings') ?? [],
    textMap: (name) =>
      new Map(Object.entries(read(name, isTextMap, 'an object with strings for values') ?? {})),
    part: (name) => readFields(raw[name], `${path}.${name}`, report),
    parts: (name) =>
      (read(name, Array.isArray, 'a list') ?? []).map((part, index) =>
        readFields(part, `${path}.${name}[${index}]`, report),
      ),
  };
}

/** For what the API server or a controller wrote: what cannot be read counts as absent. */
export function readQuietly(value: unknown): Fields {
  return readFields(value, '', () => {});
}

/** What `value` holds; nothing where it is no object. */
export function rawFields(value: unknown): Raw {
  return isRaw(value) ? value : {};
}

function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return isRaw(value) && Object.values(value).every(isText);
}

function isIntegerFrom(min: number, max: number) {
  return (value: unknown): value is number =>
    typeof value === 'number' && Number.isInteger(value) && min <= value && value <= max;
}
