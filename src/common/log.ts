/**
 * What all parts of a process need of its log.
 */
import { messageOf } from './text.ts';

/** The part of pino's logger that we use. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Errors of the language and its libraries: a fault of a program, and its place is worth knowing. */
const FAULTS: ReadonlySet<string> = new Set([
  ...['Error', 'TypeError', 'RangeError', 'ReferenceError', 'SyntaxError'],
  ...['AggregateError', 'AssertionError'],
]);

/**
 * For the fields of a line whose message says why: the error with its stack, where it is a fault of the
 * program; nothing where it is one that has to be expected, like a tool or a server that fails.
 */
export function stackOf(error: unknown): { readonly err?: Error } {
  // The system's have the call that failed.
  const isFault = error instanceof Error && FAULTS.has(error.name) && !('syscall' in error);
  return isFault ? { err: error } : {};
}

/** For the fields of a line: why, and the stack as `stackOf` has it. */
export function errorFields(error: unknown): { readonly error: string; readonly err?: Error } {
  return { error: messageOf(error), ...stackOf(error) };
}
