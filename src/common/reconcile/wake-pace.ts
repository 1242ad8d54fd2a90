/**
 * How soon a key runs again that was woken: at once, unless it has run in vain for one wake after
 * another. Its own work may wake what it waits for, or that of two keys each other: without a pause
 * that would go on for ever.
 */

/** Runs in vain for which a key is not held back: many may wait for what is enough for one. */
const FREE_RUNS = 10;
/** A wake is late by that at most. Those that are further apart are no loop. */
const PAUSE_MAX_MS = 1_000;

interface Vain {
  readonly runs: number;
  /** When the last of them ended; ms on the clock of `performance.now`. */
  readonly endedAtMs: number;
}

/**
 * Remembers of each key how many runs in a row were in vain. The first ten are free; then each pause is twice
 * the one before, up to one second.
 */
export class WakePace {
  readonly #firstMs: number;
  readonly #vain = new Map<string, Vain>();

  /** @param firstMs the first pause; each is twice the one before */
  constructor(firstMs: number) {
    this.#firstMs = firstMs;
  }

  /** A run that a wake had begun has ended, and the key waits still. */
  failed(key: string): void {
    this.#vain.set(key, { runs: this.#runsOf(key) + 1, endedAtMs: performance.now() });
  }

  /** How long a key that is woken now has to wait; ms. */
  pauseMs(key: string): number {
    const vain = this.#vain.get(key);
    const runs = this.#runsOf(key);
    if (vain === undefined || runs < FREE_RUNS) return 0;
    const pauseMs = Math.min(this.#firstMs * 2 ** (runs - FREE_RUNS), PAUSE_MAX_MS);
    return Math.max(0, vain.endedAtMs + pauseMs - performance.now());
  }

  /** What the key stands for has changed, or is done. */
  forget(key: string): void {
    this.#vain.delete(key);
  }

  #runsOf(key: string): number {
    const vain = this.#vain.get(key);
    const isLongAgo = vain === undefined || performance.now() - vain.endedAtMs > PAUSE_MAX_MS;
    return isLongAgo ? 0 : vain.runs;
  }
}
