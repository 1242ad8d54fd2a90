/**
 * Rows by keys of theirs: kept up to date with each row that comes, changes or goes.
 */

/** Most keys are of one row: that stands there without a set. */
type Bucket<R> = R | Set<R>;

/** An index of rows: several rows may have one key, and one row several keys. */
export class IndexBy<R extends { readonly uuid: string }> {
  readonly #buckets = new Map<string, Bucket<R>>();

  /** The rows with a key, in the order of their UUIDs. */
  get(key: string): readonly R[] {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return [];
    if (!(bucket instanceof Set)) return [bucket];
    return [...bucket].sort((one, other) => (one.uuid < other.uuid ? -1 : 1));
  }

  /** The row has this key from now on; a row that has it already stays there once. */
  add(key: string, row: R): void {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined || bucket === row) this.#buckets.set(key, row);
    else if (bucket instanceof Set) bucket.add(row);
    else this.#buckets.set(key, new Set([bucket, row]));
  }

  /** The row no longer has this key; nothing happens where it never had. */
  remove(key: string, row: R): void {
    const bucket = this.#buckets.get(key);
    if (bucket === row) this.#buckets.delete(key);
    else if (bucket instanceof Set && bucket.delete(row) && bucket.size === 0) {
      this.#buckets.delete(key);
    }
  }

  clear(): void {
    this.#buckets.clear();
  }
}
