/**
 * Growing pauses between attempts at something that fails.
 */
import { setTimeout as sleep } from 'node:timers/promises';

/** Pauses between attempts, each up to twice as long as the one before, until one succeeds. */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  #nextMs: number;

  /** The first pause and the longest one, both before jitter; ms. */
  constructor({ firstMs, maxMs }: { firstMs: number; maxMs: number }) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#nextMs = firstMs;
  }

  /**
   * Pauses: each time twice as long, less up to a half at random, so that the nodes of a
   * cluster do not come back to its API server in step.
   * @throws AbortError at once when `signal` is aborted; no timer is left
   */
  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs * (0.5 + Math.random() / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, this.#maxMs);
    await sleep(ms, undefined, { signal });
  }

  /** The next pause is the first one again. */
  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}
