/**
 * Log lines about an outage: one when it begins and one when it is over, however many
 * attempts fail in between.
 */
import type { Logger } from './log.ts';

/** What the two lines say. */
export interface OutageText {
  /** Fields of both lines: what cannot be followed. */
  readonly fields: object;
  readonly lost: string;
  readonly back: string;
}

/** One line in the log when a part is out of reach, and one when it answers again. */
export class Outage {
  readonly #log: Logger;
  readonly #text: OutageText;
  #beganAt: number | undefined;
  #reason: string | undefined;

  constructor(log: Logger, text: OutageText) {
    this.#log = log;
    this.#text = text;
  }

  /** Why the first attempt failed of the outage that there is; undefined where there is none. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** An attempt failed; says so if it is the first one. */
  begin(reason: string): void {
    if (this.#beganAt !== undefined) return;
    this.#beganAt = performance.now();
    this.#reason = reason;
    this.#log.warn({ ...this.#text.fields, reason }, this.#text.lost);
  }

  /** @param at when it was over, on the clock of `performance.now()` */
  end(at: number): void {
    if (this.#beganAt === undefined) return;
    const durationMs = Math.round(at - this.#beganAt);
    this.#beganAt = undefined;
    this.#reason = undefined;
    this.#log.info({ ...this.#text.fields, durationMs }, this.#text.back);
  }
}
