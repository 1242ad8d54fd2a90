/**
 * Log lines about an outage: one when it begins and one when it is over, however many
 * attempts fail in between.
 */
import type { Logger } from '../error.ts';

export class Outage {
  readonly #log: Logger;
  readonly #path: string;
  #beganAt: number | undefined;

  /** @param path of the collection that cannot be followed */
  constructor(log: Logger, path: string) {
    this.#log = log;
    this.#path = path;
  }

  /** An attempt failed; says so if it is the first one. */
  begin(reason: string): void {
    if (this.#beganAt !== undefined) return;
    this.#beganAt = performance.now();
    this.#log.warn(
      { path: this.#path, reason },
      'objects of the cluster may be out of date: lost touch with the API server, trying again',
    );
  }

  /** @param at when it was over, on the clock of `performance.now()` */
  end(at: number): void {
    if (this.#beganAt === undefined) return;
    const durationMs = Math.round(at - this.#beganAt);
    this.#beganAt = undefined;
    this.#log.info(
      { path: this.#path, durationMs },
      'objects of the cluster are up to date again: back in touch with the API server',
    );
  }
}
