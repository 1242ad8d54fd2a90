/**
 * An informer cache of one collection of objects, in which what this process wrote is seen at once: the
 * watch brings it some time later, and until then an object would look as if it had still to be
 * written.
 */
import { identify } from '../../common/kubernetes/store.ts';
import {
  type Availability,
  type ChangeListener,
  WatchCache,
  type WatchCacheOptions,
} from '../../common/kubernetes/watch-cache.ts';

/** As of a WatchCache, with what tells which of two states of an object is newer. */
export interface CollectionOptions<T> extends WatchCacheOptions<T> {
  /** `metadata.resourceVersion` of an object. */
  readonly versionOf: (value: T) => string;
}

/** One collection, with what this process has written laid over what the watch has brought. */
export class Collection<T> {
  readonly path: string;
  readonly #options: CollectionOptions<T>;
  readonly #cache: WatchCache<T>;
  /** What the server answered to writes, as long as the watch has not brought it. */
  readonly #written = new Map<string, Written<T>>();

  constructor(options: CollectionOptions<T>) {
    this.path = options.path;
    this.#options = options;
    this.#cache = new WatchCache({ ...options, project: (raw) => this.#project(raw) });
    this.#cache.onChange(({ type, key, value }) => {
      const written = this.#written.get(key);
      if (written === undefined) return;
      const isNewer = isNewerVersion(written.resourceVersion, options.versionOf(value));
      if (type === 'deleted' || !isNewer) this.#written.delete(key);
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
    return this.#written.get(key)?.value ?? this.#cache.get(key);
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
    const identity = identify(raw);
    if (identity === undefined || cached === undefined) return;
    const { uid, resourceVersion } = identity;
    // The watch may be the first of the two to bring it.
    if (!isNewerVersion(resourceVersion, this.#options.versionOf(cached))) return;
    this.#written.set(key, { uid, resourceVersion, value: this.#options.project(raw) });
  }

  /** What a write has brought already comes by the watch a moment later, and is not read twice. */
  #project(raw: unknown): T {
    const identity = identify(raw);
    const written = identity && this.#written.get(identity.key);
    const isSame =
      written?.uid === identity?.uid && written?.resourceVersion === identity?.resourceVersion;
    return written !== undefined && isSame ? written.value : this.#options.project(raw);
  }
}

/** An object as a write has left it. */
interface Written<T> {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly value: T;
}

/** Versions of one object are numbers that grow (Kubernetes API conventions, since 1.35). */
function isNewerVersion(left: string, right: string): boolean {
  if (!/^\d+$/.test(left) || !/^\d+$/.test(right)) return false;
  return BigInt(left) > BigInt(right);
}

/** Objects as Collection has them, whatever they come from. */
export type Objects<T> = Pick<Collection<T>, keyof Collection<T>>;
