/**
 * The one kind of failure that a CNI call answers with.
 *
 * `code` decides what the runtime makes of it (CNI spec 1.1, section 5): 4 names a wrong
 * environment variable, 7 a wrong field or annotation, 11 is for what may succeed on a retry,
 * and 100 up are ours. `message` says what was tried and what is wrong; `details` says what
 * to do or where to look.
 */
import { show } from '../../common/text.ts';
import { CniCode } from '../../wire/cni.ts';

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

/** A code of the CNI specification, or one of ours. */
export type ErrorCode = CniCode | (typeof OwnCode)[keyof typeof OwnCode];

/** A failure of a call as CNI has it: a code (docs/errors.md), what is wrong, and what to do. */
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

/**
 * The pods' primary network is asked of a node where it is another plugin's: nothing of the pod is
 * ours, and nothing is written about it.
 */
export class NotPrimary extends CniError {
  constructor(message: string, details: string) {
    super(CniCode.invalidConfig, message, details);
    this.name = 'NotPrimary';
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
