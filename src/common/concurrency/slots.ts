/**
 * A bounded number of places to work in, given out first come first served.
 */

/**
 * A semaphore with a queue: at most `count` tasks run at a time, and those that wait leave when they are
 * aborted.
 */
export class Slots {
  #free: number;
  /** Those who wait, the first in front: a Set keeps the order. */
  readonly #line = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Number of tasks that wait. */
  get waiting(): number {
    return this.#line.size;
  }

  /**
   * Runs `task` when there is a place for it.
   * @throws what `task` throws; `signal.reason` when aborted in line, and then the task does not run
   */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#place(signal);
    try {
      return await task();
    } finally {
      this.#leave();
    }
  }

  #place(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const enter = () => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    };
    const giveUp = () => {
      this.#line.delete(enter);
      reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    this.#line.add(enter);
    return promise;
  }

  /** The place goes to the first in line. */
  #leave(): void {
    const [first] = this.#line;
    if (first === undefined) {
      this.#free += 1;
      return;
    }
    this.#line.delete(first);
    first();
  }
}
