/**
 * Those who want to know about changes: listeners, and waits for a condition.
 */

import { Condition } from '../concurrency/condition.ts';
import type { Logger } from '../log.ts';
import { messageOf } from '../text.ts';
import type { Change } from './store.ts';

/** Takes one change. It must be quick: the next events wait for it. */
export type ChangeListener<T> = (change: Change<T>) => void;

/**
 * Calls the listeners for each change, in the order in which they came. One that throws, or rejects, is
 * logged, and keeps no other from being called.
 */
export class Subscribers<T> {
  readonly #log: Logger;
  readonly #listeners = new Set<ChangeListener<T>>();
  readonly #condition = new Condition();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Listeners and waits there are; 0 when everyone has left. */
  get count(): number {
    return this.#listeners.size + this.#condition.count;
  }

  /** @returns ends the subscription */
  onChange(listener: ChangeListener<T>): () => void {
    // One function may be subscribed twice, and each ends on its own.
    const own: ChangeListener<T> = (change) => listener(change);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** See WatchCache.until. */
  until<R>(evaluate: () => R | undefined, signal: AbortSignal): Promise<R> {
    return this.#condition.until(evaluate, signal);
  }

  /** Calls the listeners for each change, then lets the waits look at the outcome, once. */
  deliver(changes: readonly Change<T>[]): void {
    for (const change of changes) {
      // A copy: listeners come and go while they are called.
      for (const listener of [...this.#listeners]) {
        if (this.#listeners.has(listener)) this.#call(listener, change);
      }
    }
    this.#condition.check();
  }

  #call(listener: ChangeListener<T>, change: Change<T>): void {
    const failed = (error: unknown) => {
      const { type, key } = change;
      this.#log.error({ type, key, error: messageOf(error) }, 'a listener for changes failed');
    };
    try {
      // An async function counts as one that returns nothing; its rejection must not end us.
      const result: unknown = listener(change);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
