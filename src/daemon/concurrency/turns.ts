/**
 * Spreads work that holds up the event loop over its turns, first come first served.
 */
import { setImmediate as turnOver } from 'node:timers/promises';

export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves in a turn of the event loop in which it has not resolved for anybody else. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => turnOver());
    return this.#last;
  }
}
