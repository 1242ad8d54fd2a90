/**
 * An informer cache: a projection of one collection of the API server, with only what we use of each object.
 * While the server is away, the last known state is shown.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from '../log.ts';
import { timed } from '../loop-delay.ts';
import { Outage } from '../outage.ts';
import type { SharedOutage } from '../shared-outage.ts';
import { messageOf } from '../text.ts';
import { type Availability, isSameAvailability } from './availability.ts';
import { CollectionFollower } from './collection-follower.ts';
import type { ConnectionLimits } from './connections.ts';
import { createContact } from './contact.ts';
import { defaultLimits, type WatchLimits } from './limits.ts';
import { OversizedObject } from './oversized.ts';
import { resourceName, resourceOf } from './path.ts';
import type { RequestObserver } from './request-observer.ts';
import { type Entry, type Identity, ObjectStore } from './store.ts';
import { type ChangeListener, Subscribers } from './subscribers.ts';

export type { Availability } from './availability.ts';
export { createContact } from './contact.ts';
export type { WatchLimits } from './limits.ts';
export type { Change } from './store.ts';
export type { ChangeListener } from './subscribers.ts';

/** Which collection is cached, what of each object, and where requests and outages are reported. */
export interface WatchCacheOptions<T> {
  /** Who and where. Each cache has connections of its own: a watch fills one anyway. */
  readonly config: KubeConfig;
  /** Of the collection: `/api/v1/pods`. */
  readonly path: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /**
   * True where the first list must not be older than the request for it: a server may otherwise
   * answer from a cache of its own, which is cheaper and may lag behind.
   */
  readonly isFresh?: boolean;
  /**
   * True where a role may let us list and not watch: then the collection is listed every now and then,
   * which is logged once. Without it, it is as if nothing could be read.
   */
  readonly goesUnwatched?: boolean;
  /**
   * True while the server is known to answer for other kinds: attempts at the first list that fail
   * meanwhile are counted for `settled`. Without it they are taken for an outage of the server.
   */
  readonly isServerUp?: () => boolean;
  /** Makes of a raw object what is kept. Where it throws, the object stays as it was. */
  readonly project: (raw: unknown) => T;
  readonly log: Logger;
  /** Where an outage is reported, for caches that are cut off together; its own without one. */
  readonly contact?: SharedOutage;
  readonly limits?: Partial<WatchLimits>;
  readonly connectionLimits?: ConnectionLimits;
  /** Called for each request. */
  readonly observe?: RequestObserver;
}

/**
 * Attempts at the first list, while the server is up, that `settled` waits for. The default pauses
 * between them take at least 12 s together: a server that is away for so long costs the controller its
 * Lease (10 s) sooner than it lets it begin without a kind.
 */
const FAILED_LISTS_MAX = 8;

/**
 * One collection as a projection of its objects. It is read without waiting, and calls listeners for each
 * change.
 */
export class WatchCache<T> {
  /** Resolves when the first list is in; pending for as long as it fails, and after a stop. */
  readonly synced: Promise<void>;
  /**
   * Resolves when the first list is in, or when it is known not to come soon: the kind does not exist,
   * we may not list it, or the server is up and failed to list it FAILED_LISTS_MAX times. The
   * availability is `pending` then. What a program can do without waits for this one.
   */
  readonly settled: Promise<void>;
  readonly #options: WatchCacheOptions<T>;
  readonly #follower: CollectionFollower;
  readonly #store = new ObjectStore<T>();
  readonly #subscribers: Subscribers<T>;
  readonly #resolveSynced: () => void;
  readonly #resolveSettled: () => void;
  readonly #unavailable: Readonly<Record<'missing' | 'forbidden' | 'unwatched', Outage>>;
  readonly #availabilityListeners = new Set<(now: Availability) => void>();
  #availability: Availability = { state: 'pending' };
  #isStarted = false;
  #isSynced = false;
  #isWatched = true;
  /** Before the first list, while the server was up. */
  #failedLists = 0;
  /** What a list that has not ended brought so far. */
  #listed = new Map<string, Entry<T>>();

  constructor(options: WatchCacheOptions<T>) {
    const { config, path, fieldSelector, labelSelector, isFresh = false, log, limits } = options;
    this.#options = options;
    this.#subscribers = new Subscribers(log);
    this.#follower = new CollectionFollower({
      config,
      path,
      selectors: { fieldSelector, labelSelector },
      isFresh,
      goesUnwatched: options.goesUnwatched ?? false,
      limits: { ...defaultLimits, ...limits },
      observe: options.observe,
      ...(options.connectionLimits && { connectionLimits: options.connectionLimits }),
      contact: options.contact ?? createContact(log),
      sink: {
        beginList: () => {
          this.#listed = new Map();
        },
        listed: (identity, raw) => {
          const entry = this.#timed(identity, () => this.#toEntry(identity, raw));
          if (entry !== undefined) this.#listed.set(identity.key, entry);
        },
        endList: () =>
          timed(
            () => `the end of the list ${path}`,
            () => this.#endList(),
          ),
        changed: (identity, raw) => this.#timed(identity, () => this.#change(identity, raw)),
        deleted: ({ key }) => this.#subscribers.deliver(this.#store.remove(key)),
        notListed: () => this.#notListed(),
        availability: (now) => this.#setAvailability(now),
        watched: (isWatched) => this.#setWatched(isWatched),
      },
    });
    this.#unavailable = unavailableOutages(path, log);
    const synced = Promise.withResolvers<void>();
    this.synced = synced.promise;
    this.#resolveSynced = synced.resolve;
    const settled = Promise.withResolvers<void>();
    this.settled = settled.promise;
    this.#resolveSettled = settled.resolve;
  }

  /** Of the collection: `/api/v1/pods`. */
  get path(): string {
    return this.#options.path;
  }

  /** True once the first list is in. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** False where it may not be watched, and is as it was when it was last listed. */
  get isWatched(): boolean {
    return this.#isWatched;
  }

  /** Whether the collection can be followed, and what is in the way where it cannot. */
  get availability(): Availability {
    return this.#availability;
  }

  /**
   * Calls `listener` with what the availability is, each time it has changed.
   * @returns ends the subscription
   */
  onAvailability(listener: (now: Availability) => void): () => void {
    const own = (now: Availability) => listener(now);
    this.#availabilityListeners.add(own);
    return () => {
      this.#availabilityListeners.delete(own);
    };
  }

  /** Number of objects. */
  get size(): number {
    return this.#store.size;
  }

  /**
   * Time since the server was last heard: a page of a list, a watch that was opened, an event
   * or a bookmark; ms. Infinity before the first time. On a quiet collection it grows to about
   * a minute between bookmarks.
   */
  get msSinceContact(): number {
    return this.#follower.msSinceContact;
  }

  /** Number of listeners and waits. */
  get subscriberCount(): number {
    return this.#subscribers.count;
  }

  /**
   * Begins to list and watch.
   * @throws Error when called again: a stopped cache stays stopped
   */
  start(): void {
    if (this.#isStarted) throw new Error('a WatchCache starts only once');
    this.#isStarted = true;
    void this.#follower.run();
  }

  /** Ends all requests and timers at once. The last state stays readable; waits go on. */
  stop(): void {
    this.#follower.stop();
  }

  /** @param key `namespace/name`, or `name` of an object without namespace */
  get(key: string): T | undefined {
    return this.#store.get(key)?.value;
  }

  /** All objects, in no particular order. */
  values(): IterableIterator<T> {
    return this.#store.values();
  }

  /**
   * Calls `listener` with each change from now on, in order, after the copy has changed; what
   * it throws is logged. Where an object was replaced by another of the same name (another UID)
   * while we were not connected, the old one is deleted and then the new one added; the copy
   * shows the new one during both calls.
   * @returns ends the subscription
   */
  onChange(listener: ChangeListener<T>): () => void {
    return this.#subscribers.onChange(listener);
  }

  /**
   * Evaluates now, after the first list and after each change, until there is a result other
   * than undefined. A list that changes several objects counts as one change.
   * @throws what `evaluate` throws; `signal.reason` when aborted
   */
  until<R>(evaluate: () => R | undefined, signal: AbortSignal): Promise<R> {
    return this.#subscribers.until(evaluate, signal);
  }

  #endList(): void {
    const changes = this.#store.replaceAll(this.#listed);
    this.#listed = new Map();
    this.#isSynced = true;
    this.#subscribers.deliver(changes);
    this.#resolveSynced();
  }

  /** One kind that cannot be listed (a conversion webhook is broken) must not keep all else waiting. */
  #notListed(): void {
    if (!this.#options.isServerUp?.()) return;
    this.#failedLists += 1;
    if (this.#failedLists >= FAILED_LISTS_MAX) this.#resolveSettled();
  }

  #timed<R>({ key }: Identity, work: () => R): R {
    return timed(() => `an object of ${this.#options.path}: ${key}`, work);
  }

  #setAvailability(now: Availability): void {
    const before = this.#availability;
    if (isSameAvailability(before, now)) return;
    this.#availability = now;
    const at = performance.now();
    for (const state of ['missing', 'forbidden'] as const) {
      if (now.state !== state) this.#unavailable[state].end(at);
    }
    if (now.state === 'missing') this.#unavailable.missing.begin('404');
    if (now.state === 'forbidden') this.#unavailable.forbidden.begin(`403 for ${now.verb}`);
    if (now.state !== 'pending') this.#resolveSettled();
    for (const listener of [...this.#availabilityListeners]) listener(now);
  }

  #setWatched(isWatched: boolean): void {
    this.#isWatched = isWatched;
    if (isWatched) this.#unavailable.unwatched.end(performance.now());
    else this.#unavailable.unwatched.begin('403 for watch');
  }

  #change(identity: Identity, raw: unknown): void {
    const { key } = identity;
    const entry = this.#toEntry(identity, raw);
    // What cannot be read and is another object than before is the end of the one before.
    const changes = entry === undefined ? this.#store.remove(key) : this.#store.put(key, entry);
    this.#subscribers.deliver(changes);
  }

  /** Undefined for an object that cannot be read and was not known before. */
  #toEntry({ key, uid, resourceVersion }: Identity, raw: unknown): Entry<T> | undefined {
    const known = this.#store.get(key);
    const same = known?.uid === uid ? known : undefined;
    if (same?.resourceVersion === resourceVersion) return same;
    try {
      if (raw instanceof OversizedObject) throw raw.toError();
      return { uid, resourceVersion, value: this.#options.project(raw) };
    } catch (error) {
      const { log, path } = this.#options;
      log.error(
        { path, key, error: messageOf(error) },
        'cannot read an object; it stays as it was',
      );
      return same;
    }
  }
}

/** Lines about a kind that cannot be followed, though the server is there. */
function unavailableOutages(path: string, log: Logger) {
  const name = resourceName(resourceOf(path));
  return {
    missing: new Outage(log, {
      fields: { path },
      lost: `there are no ${name} in this cluster: install their CustomResourceDefinition where they are needed; they are followed as soon as it is there`,
      back: `${name} are followed: their CustomResourceDefinition is there`,
    }),
    unwatched: new Outage(log, {
      fields: { path },
      lost: `${name} may not be watched: they are listed about once a minute instead; grant the role of this program's service account the verb watch on them to spare that`,
      back: `${name} are followed: the right to watch them is there`,
    }),
    forbidden: new Outage(log, {
      fields: { path },
      lost: `${name} may not be read: grant the role of this program's service account the verbs get, list and watch on them; they are followed as soon as it is`,
      back: `${name} are followed: the right to read them is there`,
    }),
  };
}
