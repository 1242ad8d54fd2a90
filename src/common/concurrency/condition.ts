/**
 * Waits for conditions on state that changes by events: whoever changes it calls `check`.
 */

/** Waits on one piece of state. Each wait has its own question, and all of them are asked at each `check`. */
export class Condition {
  readonly #checks = new Set<() => void>();

  /** Waits there are. */
  get count(): number {
    return this.#checks.size;
  }

  /**
   * Evaluates now and at every `check` until there is a result other than undefined. Leaves
   * nothing behind, however it ends.
   * @throws what `evaluate` throws; `signal.reason` when aborted
   */
  until<R>(evaluate: () => R | undefined, signal: AbortSignal): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const leave = () => {
      this.#checks.delete(check);
      signal.removeEventListener('abort', abort);
    };
    const abort = () => {
      leave();
      reject(signal.reason);
    };
    const check = () => {
      try {
        const result = evaluate();
        if (result === undefined) return;
        leave();
        resolve(result);
      } catch (error) {
        leave();
        reject(error);
      }
    };
    if (signal.aborted) {
      reject(signal.reason);
      return promise;
    }
    this.#checks.add(check);
    signal.addEventListener('abort', abort, { once: true });
    check();
    return promise;
  }

  /** The state has changed: every wait looks at it, once. */
  check(): void {
    // A copy: waits come and go while they are called.
    for (const check of [...this.#checks]) {
      if (this.#checks.has(check)) check();
    }
  }
}
