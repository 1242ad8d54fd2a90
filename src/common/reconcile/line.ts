/**
 * Keys in the order in which they came, each once.
 */

/** A queue without duplicates: a key that is in it already keeps its place. */
export class Line {
  readonly #keys = new Set<string>();
  /** Goes on over what comes later, too; a new one would have to pass the gaps of what has left. */
  readonly #head = this.#keys.values();

  get size(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    this.#keys.add(key);
  }

  delete(key: string): void {
    this.#keys.delete(key);
  }

  clear(): void {
    this.#keys.clear();
  }

  /** Takes the first. */
  take(): string | undefined {
    if (this.#keys.size === 0) return undefined;
    const { value } = this.#head.next();
    if (value !== undefined) this.#keys.delete(value);
    return value;
  }
}
