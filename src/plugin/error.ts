/**
 * The one kind of failure this executable has: a CNI error object (CNI spec 1.1, section 5,
 * "Error"). What is thrown on purpose is made by `cniError`; anything else becomes an internal
 * error, so that the runtime always reads JSON and never a stack trace.
 */

/** libcni's code for an error that no rule foresaw. */
const INTERNAL_CODE = 999;

/** Of `msg` and of `details`; an event of a pod shows about 1,000 characters. */
const TEXT_LENGTH_MAX = 4096;
const FOUND_LENGTH_MAX = 120;

/** The fields of CNI's error object without its version. */
export interface CniErrorBody {
  readonly code: number;
  readonly msg: string;
  readonly details: string;
}

/** An error to throw; `msg` is one short line, `details` may be long. Both are cut when printed. */
export function cniError(code: number, msg: string, details: string): Error {
  return Object.assign(new Error(msg), { cni: { code, msg, details } });
}

/** What to print for anything that was thrown. */
export function errorBody(thrown: unknown): CniErrorBody {
  const error = (thrown ?? {}) as Partial<Error & { cni: CniErrorBody }>;
  const { code, msg, details } = error.cni ?? {
    code: INTERNAL_CODE,
    msg: 'internal error',
    details: error.message ?? String(thrown),
  };
  return { code, msg: cut(msg, TEXT_LENGTH_MAX), details: cut(details, TEXT_LENGTH_MAX) };
}

/** `found` goes into the text as JSON, cut, or as "nothing" where it is missing. */
export function mismatch(field: string, expected: string, found: unknown): string {
  return `${field}: expected ${expected}, found ${cut(asJson(found), FOUND_LENGTH_MAX)}`;
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'nothing';
  } catch {
    // Nested deeper than the stack is.
    return `a nested ${typeof value}`;
  }
}

/** A text for people, of at most so many characters. */
export function cut(text: string, length: number): string {
  // Half of a character may be left at the cut.
  return text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text;
}
