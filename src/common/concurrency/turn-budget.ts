/**
 * Work in many small steps that leaves the event loop to others in between.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';

/** For one turn; ms. Everything else in the process waits so long at most. */
const TURN_MS = 10;

/**
 * The time that a long loop may take of one turn: it calls `next` wherever `isSpent`, and so never holds the
 * event loop for much longer than 10 ms.
 */
export class TurnBudget {
  #since = performance.now();

  /** True where the turn has lasted long enough. */
  get isSpent(): boolean {
    return performance.now() - this.#since >= TURN_MS;
  }

  /** Lets the event loop go on with whatever waits, and begins another turn. */
  async next(): Promise<void> {
    await nextTurn();
    this.#since = performance.now();
  }
}
