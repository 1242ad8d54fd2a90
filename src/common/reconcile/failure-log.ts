/**
 * Log lines about work that fails again and again: one for each reason of a key, and no more than
 * some for a reason that many keys have.
 */
import type { Logger } from '../log.ts';
import { readFailure } from './failure.ts';

/** Failures in a row after which something transient is logged after all. */
const TRANSIENT_FAILURES = 5;
/** Keys that are named for one reason: all pods fail where the API server is away. */
const KEYS_PER_REASON_MAX = 10;
/** Reasons that are logged for one key: a message may have a number in it that is never the same. */
const REASONS_PER_KEY_MAX = 10;

/** Writes each reason why the work on a key failed once, until that work succeeds. */
export class FailureLog {
  readonly #what: string;
  readonly #log: Logger;
  /** Reasons that were logged or held back, by key: of keys whose last work failed. */
  readonly #reasons = new Map<string, Set<string>>();
  /** By reason: how many of these keys have it. */
  readonly #keyCounts = new Map<string, number>();

  /** @param what what is not done when it fails: `the networks of a pod` */
  constructor(what: string, log: Logger) {
    this.#what = what;
    this.#log = log;
  }

  /**
   * Logs the reason, unless it has been logged.
   * @param error whatever was thrown
   * @param failures how many times in a row
   */
  failed(key: string, error: unknown, failures = 1): void {
    const { reason, isExpected, isTransient, fields } = readFailure(error);
    if (isTransient && failures < TRANSIENT_FAILURES) return;
    const logged = this.#reasons.get(key) ?? new Set();
    if (logged.has(reason) || logged.size >= REASONS_PER_KEY_MAX) return;
    this.#reasons.set(key, logged.add(reason));
    const keyCount = (this.#keyCounts.get(reason) ?? 0) + 1;
    this.#keyCounts.set(reason, keyCount);
    if (keyCount > KEYS_PER_REASON_MAX) return;
    const rest = keyCount === KEYS_PER_REASON_MAX ? '; others with this reason are not logged' : '';
    const message = `${this.#what}: ${reason}; trying again${rest}`;
    if (isExpected) this.#log.warn({ key }, message);
    else this.#log.error({ key, ...fields }, message);
  }

  /** What failed is done. */
  succeeded(key: string): void {
    for (const reason of this.#reasons.get(key) ?? []) {
      const keyCount = (this.#keyCounts.get(reason) ?? 0) - 1;
      if (keyCount > 0) this.#keyCounts.set(reason, keyCount);
      else this.#keyCounts.delete(reason);
    }
    this.#reasons.delete(key);
  }
}
