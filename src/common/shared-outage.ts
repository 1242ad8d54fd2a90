/**
 * Log lines about an outage that several parts notice, each at its own time: one when the first of
 * them is cut off, and one when all of them are back.
 */
import type { Logger } from './log.ts';
import { Outage, type OutageText } from './outage.ts';

/** One outage of several parts. Parts are told apart by identity: any object will do. */
export class SharedOutage {
  readonly #outage: Outage;
  readonly #cutOff = new Set<object>();

  constructor(log: Logger, text: OutageText) {
    this.#outage = new Outage(log, text);
  }

  /**
   * An attempt of `part` failed.
   * @param reason what the message says, where it is the first one
   */
  begin(part: object, reason: string): void {
    this.#cutOff.add(part);
    this.#outage.begin(reason);
  }

  /** `part` works, or is not needed any more. @param at on the clock of `performance.now()` */
  end(part: object, at: number): void {
    this.#cutOff.delete(part);
    if (this.#cutOff.size === 0) this.#outage.end(at);
  }
}
