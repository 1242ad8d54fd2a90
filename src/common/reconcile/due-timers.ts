/**
 * Times at which keys have to be looked at although nothing changes: one for each key.
 */

/** Longer ones are set anew when they have passed (Node's limit for a timer). */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** One timer for each key; another `set` takes its place. They keep the process running until `stop`. */
export class Timers {
  readonly #due: (key: string) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  /** @param due is called when the time of a key has come */
  constructor(due: (key: string) => void) {
    this.#due = due;
  }

  /** @param atMs ms since 1970; undefined for never */
  set(key: string, atMs: number | undefined): void {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    if (atMs === undefined) return;
    const ms = Math.min(Math.max(0, atMs - Date.now()), TIMER_MS_MAX);
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      if (Date.now() < atMs) this.set(key, atMs);
      else this.#due(key);
    }, ms);
    this.#timers.set(key, timer);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
