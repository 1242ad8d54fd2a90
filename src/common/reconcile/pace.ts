/**
 * Work on a key at most once in so long a time: the first change is worked on at once, and those that
 * follow it soon together.
 */
import { Timers } from './due-timers.ts';

/**
 * Says when each key is due; whoever works on a key calls `done` when it begins. Keys that are due later have
 * a timer each until `stop`.
 */
export class Pace {
  readonly #everyMs: number;
  readonly #due: (key: string) => void;
  readonly #timers: Timers;
  /** When keys were worked on last; ms since 1970. */
  readonly #doneAtMs = new Map<string, number>();

  /**
   * @param everyMs the time between two of them; ms
   * @param due is called when a key is to be worked on
   */
  constructor(everyMs: number, due: (key: string) => void) {
    this.#everyMs = everyMs;
    this.#due = due;
    this.#timers = new Timers(due);
  }

  /** Something about a key has changed. */
  add(key: string): void {
    const dueAtMs = (this.#doneAtMs.get(key) ?? 0) + this.#everyMs;
    if (Date.now() < dueAtMs) this.#timers.set(key, dueAtMs);
    else this.#due(key);
  }

  /** A key is being worked on. */
  done(key: string): void {
    this.#doneAtMs.set(key, Date.now());
  }

  /** A key has gone. */
  forget(key: string): void {
    this.#doneAtMs.delete(key);
  }

  stop(): void {
    this.#timers.stop();
  }
}
