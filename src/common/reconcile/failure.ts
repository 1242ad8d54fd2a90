/**
 * What a reconciler has thrown, as far as it can be read: it may be anything, also undefined, and an
 * object whose own getters throw.
 */
import { isConflict } from '../kubernetes/error.ts';
import { stackOf } from '../log.ts';
import { messageOf } from '../text.ts';
import { NotDone } from './not-done.ts';

/** Characters of a reason that are kept and logged. */
const REASON_CHARS_MAX = 1024;

/** One failed attempt, as work queue and log go by it. */
export interface Failure {
  readonly reason: string;
  /** True where something is wrong with an object, and not with us. */
  readonly isExpected: boolean;
  /** True where it is about to change by itself. */
  readonly isTransient: boolean;
  /** As NotDone's. */
  readonly waitsFor: readonly string[] | undefined;
  /** For the fields of a log line: the stack, where it is a fault of the program. */
  readonly fields: object;
}

/** Never throws. */
export function readFailure(thrown: unknown): Failure {
  const reason = messageOf(thrown).slice(0, REASON_CHARS_MAX).toWellFormed();
  try {
    if (thrown instanceof NotDone) {
      const { isTransient, waitsFor } = thrown;
      return { reason, isExpected: true, isTransient, waitsFor: textsOf(waitsFor), fields: {} };
    }
    // After a conflict the work looks at what the other one has written.
    const isTransient = isConflict(thrown);
    return { ...UNREADABLE, reason, isTransient, fields: fieldsOf(thrown) };
  } catch {
    return { ...UNREADABLE, reason };
  }
}

const UNREADABLE = { isExpected: false, isTransient: false, waitsFor: undefined, fields: {} };

function textsOf(names: unknown): readonly string[] | undefined {
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : undefined;
}

/** The stack as text in an error of ours: a logger would read the other's getters. */
function fieldsOf(thrown: unknown): object {
  const { err } = stackOf(thrown);
  if (err === undefined) return {};
  const copy = new Error(messageOf(err));
  copy.name = `${err.name}`;
  copy.stack = `${err.stack}`;
  return { err: copy };
}
