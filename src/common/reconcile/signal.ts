/**
 * Something that happens inside a program, told to whoever listens: so that work of one kind can
 * have work of another done without knowing of it.
 */
export class Signal<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Calls all listeners, in the order in which they came. */
  emit(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }

  /** @returns ends it */
  on(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
