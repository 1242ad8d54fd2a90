/**
 * Something that happens inside a program, reported to whoever listens: so that work of one kind can
 * have work of another done without knowing of it.
 */
import { messageOf } from '../text.ts';

/** An event inside the program: each listener is called with its value, in the order of subscription. */
export class Signal<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /**
   * Calls all listeners, in the order in which they came.
   * @throws AggregateError of what listeners threw, when all have been called
   */
  emit(value: T): void {
    const errors: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) {
      throw new AggregateError(errors, `listeners failed: ${errors.map(messageOf).join('; ')}`);
    }
  }

  /** @returns ends it */
  on(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
