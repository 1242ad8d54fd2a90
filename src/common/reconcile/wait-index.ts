/**
 * What keys wait for, by name: who waits for a name is found without a look at all others.
 */

const NOBODY: ReadonlySet<string> = new Set();

/** Which keys wait for which names, looked up from either side. */
export class WaitIndex {
  readonly #names = new Map<string, readonly string[]>();
  /** Keys by what they wait for, in the order in which they began to wait. */
  readonly #keys = new Map<string, Set<string>>();

  /** A key that does not wait yet begins to wait for any of these. */
  add(key: string, names: readonly string[]): void {
    if (names.length === 0) return;
    this.#names.set(key, names);
    for (const name of names) {
      const keys = this.#keys.get(name);
      if (keys === undefined) this.#keys.set(name, new Set([key]));
      else keys.add(key);
    }
  }

  /** A key waits no more. O(names that it waited for). */
  delete(key: string): void {
    for (const name of this.#names.get(key) ?? []) {
      const keys = this.#keys.get(name);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(name);
    }
    this.#names.delete(key);
  }

  /** Keys that wait for this, in the order in which they began to. */
  waitersOf(name: string): ReadonlySet<string> {
    return this.#keys.get(name) ?? NOBODY;
  }

  clear(): void {
    this.#names.clear();
    this.#keys.clear();
  }
}

/**
 * The names that were woken lately: a run that began before may have looked at how things were
 * before, and is not to wait for what has come meanwhile.
 */
export class RecentWakes {
  /** Names with the time of their last wake, the longest ago first. */
  readonly #wokenAt = new Map<string, number>();
  #clock = 0;

  /** A time that is before all wakes to come. */
  now(): number {
    return this.#clock;
  }

  /** A name is woken now. */
  record(name: string): void {
    this.#clock += 1;
    this.#wokenAt.delete(name);
    this.#wokenAt.set(name, this.#clock);
  }

  /** True where one of the names was woken since that time. */
  hasAny(names: readonly string[], since: number): boolean {
    return names.some((name) => (this.#wokenAt.get(name) ?? 0) > since);
  }

  /** Nobody asks for what was before this time any more. */
  forgetBefore(time: number): void {
    for (const [name, at] of this.#wokenAt) {
      if (at > time) return;
      this.#wokenAt.delete(name);
    }
  }
}
