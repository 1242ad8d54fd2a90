/**
 * What a user wrote that cannot be done as it stands: a value, since it is nothing exceptional,
 * and becomes the text of an event or of a condition. Pure.
 */
import { show } from '../../common/text.ts';

/** One thing that is wrong with an object, for people. */
export interface Problem {
  /** What is wrong; begins as Kube-OVN's message does where it has one, so that people find it. */
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
  /** Of a condition that says so, where it has another one than most problems. */
  readonly reason?: 'ValidateSubnetVlanFailed';
}

/** At least one problem. */
export type Problems = readonly [Problem, ...Problem[]];

/** A value that went through all checks, or everything that is wrong with it. */
export type Checked<T> = { readonly value: T } | { readonly problems: Problems };

/** Problems of one object that are kept: nobody reads more, and an object may have thousands. */
const PROBLEMS_MAX = 16;

/** @param problems those that are the same count once: a field may be read twice */
export function checked<T>(value: T, problems: readonly Problem[]): Checked<T> {
  const distinct = new Map<string, Problem>();
  for (const problem of problems) {
    if (distinct.size === PROBLEMS_MAX) break;
    if (!distinct.has(problem.message)) distinct.set(problem.message, problem);
  }
  const [first, ...rest] = distinct.values();
  return first === undefined ? { value } : { problems: [first, ...rest] };
}

/**
 * The result of a check that found one thing wrong. @param message what is wrong @param advice what to do,
 * as the end of the same sentence
 */
export function wrong(message: string, advice: string): { readonly problems: Problems } {
  return { problems: [{ message, advice }] };
}

/** The value, or undefined where something is wrong with it. */
export function checkedValue<T>(result: Checked<T>): T | undefined {
  return 'value' in result ? result.value : undefined;
}

/**
 * A template's tag for messages: of what is put in, plain text stays as it is and all else is
 * shown quoted, bounded and escaped. So nothing that a user wrote can forge a line of a log.
 */
export function say(parts: TemplateStringsArray, ...values: readonly unknown[]): string {
  return parts
    .map((part, index) => (index === 0 ? part : plain(values[index - 1]) + part))
    .join('');
}

const PLAIN_CHARS_MAX = 200;
const PLAIN = /^[ -~]*$/;

function plain(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  const isShort = typeof value === 'string' && value.length <= PLAIN_CHARS_MAX;
  return isShort && PLAIN.test(value) ? value : show(value);
}

/** All of it in one line, for an event or a condition. */
export function describeProblems(problems: Problems): string {
  return problems
    .slice(0, PROBLEMS_MAX)
    .map(({ message, advice }) => `${message}: ${advice}`)
    .join('; ');
}
