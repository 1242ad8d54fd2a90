/**
 * An informer cache of one collection of objects, in which what this process wrote is seen at once: the
 * watch brings it some time later, and until then an object would look as if it had still to be
 * written.
 */
import {
  type Availability,
  type ChangeListener,
  WatchCache,
  type WatchCacheOptions,
} from '../../common/kubernetes/watch-cache.ts';

export interface CollectionOptions<T> extends WatchCacheOptions<T> {
  /** `metadata.resourceVersion` of an object. */
  readonly versionOf: (value: T) => string;
}

export class Collection<T> {
  readonly path: string;
  readonly #options: CollectionOptions<T>;
  readonly #cache: WatchCache<T>;
  /** What the server answered to writes, as long as the watch has not brought it. */
  readonly #written = new Map<string, T>();

  constructor(options: CollectionOptions<T>) {
    this.path = options.path;
    this.#options = options;
    this.#cache = new WatchCache(options);
    this.#cache.onChange(({ type, key, value }) => {
      const written = this.#written.get(key);
      if (written === undefined) return;
      if (type === 'deleted' || !this.#isNewer(written, value)) this.#written.delete(key);
    });
  }

  /** Resolves when the first list is in. */
  get synced(): Promise<void> {
    return this.#cache.synced;
  }

  /** True once the first list is in. */
  get isSynced(): boolean {
    return this.#cache.isSynced;
  }

  /** As WatchCache's. */
  get size(): number {
    return this.#cache.size;
  }

  /** As WatchCache's. */
  get msSinceContact(): number {
    return this.#cache.msSinceContact;
  }

  /** As WatchCache's. */
  get isWatched(): boolean {
    return this.#cache.isWatched;
  }

  /** As WatchCache's. */
  get settled(): Promise<void> {
    return this.#cache.settled;
  }

  /** As WatchCache's. */
  get availability(): Availability {
    return this.#cache.availability;
  }

  /** As WatchCache's. */
  onAvailability(listener: (now: Availability) => void): () => void {
    return this.#cache.onAvailability(listener);
  }

  start(): void {
    this.#cache.start();
  }

  stop(): void {
    this.#cache.stop();
  }

  /** @param key `namespace/name`, or `name` of an object without namespace */
  get(key: string): T | undefined {
    return this.#written.get(key) ?? this.#cache.get(key);
  }

  /** All objects, in no particular order, as the watch has brought them. */
  values(): IterableIterator<T> {
    return this.#cache.values();
  }

  /** As WatchCache's. */
  onChange(listener: ChangeListener<T>): () => void {
    return this.#cache.onChange(listener);
  }

  /**
   * The server has answered so to a patch of an object.
   * @param raw the object; undefined where it was gone
   */
  wrote(key: string, raw: unknown): void {
    const cached = this.#cache.get(key);
    if (raw === undefined || cached === undefined) return;
    const value = this.#options.project(raw);
    if (this.#isNewer(value, cached)) this.#written.set(key, value);
  }

  /** Versions of one object are numbers that grow (Kubernetes API conventions, since 1.35). */
  #isNewer(one: T, other: T): boolean {
    const [left, right] = [one, other].map(this.#options.versionOf);
    if (!left || !right || !/^\d+$/.test(left) || !/^\d+$/.test(right)) return false;
    return BigInt(left) > BigInt(right);
  }
}

/** Objects as Collection has them, whatever they come from. */
export type Objects<T> = Pick<Collection<T>, keyof Collection<T>>;
