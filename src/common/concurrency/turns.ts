/**
 * Spreads work that holds up the event loop over its turns, first come first served.
 */
import { setImmediate as turnOver } from 'node:timers/promises';

/** Gives each caller a turn of the event loop of its own, in the order of the calls. */
export class Turns {
  /** Resolves when the next turn is free. */
  #free: Promise<void> = Promise.resolve();

  /** Resolves at once where nobody has this turn of the event loop, else in a later one. */
  next(): Promise<void> {
    const turn = this.#free;
    this.#free = turn.then(() => turnOver());
    return turn;
  }
}
