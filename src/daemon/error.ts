/**
 * The one kind of failure that a CNI call answers with.
 *
 * `code` decides what the runtime makes of it (CNI spec 1.1, section 5): 4 names a wrong
 * environment variable, 7 a wrong field or annotation, 11 is for what may succeed on a retry,
 * and 100 up are ours. `message` says what was tried and what is wrong; `details` says what
 * to do or where to look.
 */
import { CniCode } from '../wire/cni.ts';

/** Our own codes; CNI reserves 1 to 99. */
export const OwnCode = {
  /** The pod of this call was deleted or replaced while the call ran. */
  podGone: 100,
  /** A fault of ours or of a system tool that no retry and no configuration explains. */
  internal: 101,
  /** A newer sandbox of the same pod has the logical switch port. */
  superseded: 102,
  /** CHECK: the pod or its annotations are no longer what the interface was made of. */
  allocationDiffers: 110,
  /** CHECK: the port on the integration bridge is not as it should be. */
  portDiffers: 111,
  /** CHECK: the interface in the pod is not as it should be. */
  interfaceDiffers: 112,
  /** CHECK: rate limits are not those that are annotated. */
  limitsDiffer: 113,
} as const;

export type ErrorCode = CniCode | (typeof OwnCode)[keyof typeof OwnCode];

export class CniError extends Error {
  readonly code: ErrorCode;
  readonly details: string;

  constructor(code: ErrorCode, message: string, details: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CniError';
    this.code = code;
    this.details = details;
  }
}

/** A configuration, annotation or object is wrong: `field` is named, `expected` shown. */
export function invalid(field: string, found: unknown, expected: string): CniError {
  return new CniError(
    CniCode.invalidConfig,
    `${field} is wrong: ${show(found)}`,
    `expected ${expected}`,
  );
}

/** A variable of the CNI environment is wrong. */
export function wrongEnvironment(variable: string, found: unknown, expected: string): CniError {
  return new CniError(
    CniCode.invalidEnvironment,
    `${variable} is wrong: ${show(found)}`,
    `expected ${expected}`,
  );
}

/** Something outside is not ready; the runtime may try again. */
export function tryAgain(message: string, details: string, cause?: unknown): CniError {
  return new CniError(CniCode.tryAgainLater, message, details, { cause });
}

/** A value for people, quoted, bounded in length, with all that is not visible escaped. */
export function show(value: unknown): string {
  const text = asJson(value).replace(INVISIBLE, (found) => {
    return `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  // Half of a character may be left at the cut.
  const cut = text.slice(0, SHOWN_CHARS_MAX).toWellFormed();
  return text.length > SHOWN_CHARS_MAX ? `${cut}…` : text;
}

const SHOWN_CHARS_MAX = 200;
/**
 * What JSON leaves as it is: control characters from U+007F on, line ends, and those that turn the
 * direction of a line around. None of them has a code above U+FFFF.
 */
const INVISIBLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // Nested deeper than the stack is.
    return `a nested ${typeof value}`;
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The part of pino's logger that we use. */
export interface Logger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
