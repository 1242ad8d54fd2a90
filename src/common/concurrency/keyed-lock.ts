/**
 * Mutual exclusion by key, first come first served.
 */

/**
 * Runs one task at a time for each key, in the order of arrival; tasks of different keys run side by side.
 */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  /**
   * Waits until every earlier holder of `key` is done, then runs `task`.
   * @throws what `task` throws
   */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const { promise: tail, resolve: release } = Promise.withResolvers<void>();
    this.#tails.set(key, tail);
    try {
      // Who does not have to wait begins at once: steps that start side by side keep their order.
      if (before !== undefined) await before;
      return await task();
    } finally {
      release();
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
