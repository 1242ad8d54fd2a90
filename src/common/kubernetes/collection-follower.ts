/**
 * Follows one collection of the API server: a list, then watches, until it is stopped.
 *
 * It never gives up. After a failure it goes on from the last resource version that it saw, and
 * lists again only where the server cannot go on from there, so that an outage of the API
 * server does not end in a storm of lists.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { Backoff } from '../concurrency/backoff.ts';
import type { SharedOutage } from '../shared-outage.ts';
import { messageOf } from '../text.ts';
import { KubernetesApi, type Query } from './api.ts';
import { type Availability, unavailability } from './availability.ts';
import type { ConnectionLimits } from './connections.ts';
import { KubernetesError, OwnReason, readStatus } from './error.ts';
import type { WatchLimits } from './limits.ts';
import { listAll } from './listing.ts';
import type { RequestObserver } from './request-observer.ts';
import { type Identity, identify } from './store.ts';
import { followWatch } from './watch-stream.ts';

/** Takes what the collection holds. Nothing of it may throw. */
export interface Sink {
  /** A list begins; one that fails half way is followed by another begin, not by an end. */
  beginList(): void;
  /** @param raw an OversizedObject where the object is too large to be read */
  listed(identity: Identity, raw: unknown): void;
  /** The list is complete: what was not listed is gone. */
  endList(): void;
  /** An object was added or modified. */
  changed(identity: Identity, raw: unknown): void;
  deleted(identity: Identity): void;
  /** No list has come yet, and this attempt failed, for a reason that says nothing about the kind. */
  notListed(): void;
  /** Called after each list, watch or failure: mostly with what it said before. */
  availability(now: Availability): void;
  /** The collection is listed again and again, since it may not be watched; or it is watched (again). */
  watched(isWatched: boolean): void;
}

/** What is followed, how, and who takes it. */
export interface FollowerOptions {
  readonly config: KubeConfig;
  readonly path: string;
  readonly selectors: Query;
  /** True where the first list must not be older than the request for it. */
  readonly isFresh: boolean;
  /** True for a collection that is listed every now and then where it may not be watched. */
  readonly goesUnwatched: boolean;
  readonly limits: WatchLimits;
  readonly connectionLimits?: ConnectionLimits;
  /** Called for each request. */
  readonly observe?: RequestObserver | undefined;
  /** Where an outage is reported. */
  readonly contact: SharedOutage;
  readonly sink: Sink;
}

/**
 * Statuses after which a watch cannot go on where it was: the version is refused, the type is
 * not known (any more), the version is too old.
 */
const LIST_AGAIN_STATUSES: ReadonlySet<number> = new Set([400, 404, 410]);

/** Refusals in a row that may pass by themselves, of a collection that could be read before. */
const PASSING_REFUSALS = 4;

/**
 * Follows one collection, over connections of its own, from `run` to `stop`, and calls its sink with what
 * happens.
 */
export class CollectionFollower {
  readonly #options: FollowerOptions;
  readonly #api: KubernetesApi;
  readonly #backoff: Backoff;
  /** While the server has no such kind. */
  readonly #missingBackoff: Backoff;
  readonly #stopped = new AbortController();
  #hasListed = false;
  /** What the sink has seen; undefined where the collection must be listed. */
  #resourceVersion: string | undefined;
  /** Since a watch was open for a while, the server could not go on from where we were. */
  #wasForgotten = false;
  /** In a row: answers that say that the collection cannot be followed. */
  #refusals = 0;
  #contactAt = Number.NEGATIVE_INFINITY;

  constructor(options: FollowerOptions) {
    const { config, limits, connectionLimits, observe } = options;
    this.#options = options;
    this.#api = new KubernetesApi(config, connectionLimits, observe);
    const { backoffFirstMs: firstMs, backoffMaxMs, missingMaxMs } = limits;
    this.#backoff = new Backoff({ firstMs, maxMs: backoffMaxMs });
    this.#missingBackoff = new Backoff({ firstMs, maxMs: missingMaxMs });
  }

  /** Time since the server was last heard; ms, Infinity before the first time. */
  get msSinceContact(): number {
    return performance.now() - this.#contactAt;
  }

  /** Ends all requests and pauses at once. */
  stop(): void {
    this.#stopped.abort();
    this.#api.destroy();
    this.#options.contact.end(this, performance.now());
  }

  /** Lists and watches until `stop`. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        this.#resourceVersion ??= await this.#list();
        await this.#watch(this.#resourceVersion);
      } catch (error) {
        if (signal.aborted) return;
        if (this.#mayNotWatch(error)) {
          await this.#pauseUnwatched(signal);
          continue;
        }
        const isMissing = this.#failed(error) === 'missing';
        // Only a stop ends the pause early, and with it this loop.
        const backoff = isMissing ? this.#missingBackoff : this.#backoff;
        if (!isMissing) this.#missingBackoff.reset();
        await backoff.pause(signal).catch(() => undefined);
      }
    }
  }

  #mayNotWatch(error: unknown): boolean {
    if (!this.#options.goesUnwatched || !(error instanceof KubernetesError)) return false;
    return this.#hasListed && error.status === 403 && error.verb === 'watch';
  }

  /** The next list shows what has changed, and the next watch whether the right is there by now. */
  async #pauseUnwatched(signal: AbortSignal): Promise<void> {
    const { contact, limits, sink } = this.#options;
    this.#resourceVersion = undefined;
    this.#backoff.reset();
    contact.end(this, performance.now());
    sink.watched(false);
    // At random, so that the clusters of one server do not list at the same time.
    const ms = limits.unwatchedListMs * (1 - Math.random() / 5);
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }

  /** @returns why the kind cannot be followed, as far as the server says so for good */
  #failed(error: unknown): Availability['state'] | undefined {
    const { contact, sink } = this.#options;
    if (error instanceof KubernetesError && LIST_AGAIN_STATUSES.has(error.status)) {
      this.#resourceVersion = undefined;
      // A server that is back after a long outage has waited long enough for the list; one that
      // goes on like that has not.
      if (!this.#wasForgotten) this.#backoff.reset();
      this.#wasForgotten = true;
    }
    const availability = unavailability(error);
    this.#refusals = availability === undefined ? 0 : this.#refusals + 1;
    // A server that starts forbids everything for a moment.
    const isLasting = !this.#hasListed || this.#refusals > PASSING_REFUSALS;
    if (availability === undefined || !isLasting) {
      contact.begin(this, messageOf(error));
      if (!this.#hasListed) sink.notListed();
      return undefined;
    }
    // The server is there: it says that it has nothing for us.
    contact.end(this, performance.now());
    sink.availability(availability);
    return availability.state;
  }

  /** @returns the resource version that the sink has seen now */
  async #list(): Promise<string> {
    const { path, selectors, isFresh, limits, sink } = this.#options;
    sink.beginList();
    const resourceVersion = await listAll(this.#api, {
      path,
      query: {
        ...selectors,
        resourceVersion: isFresh || this.#hasListed ? undefined : ANY_VERSION,
      },
      pageSize: limits.pageSize,
      timeoutMs: limits.listTimeoutMs,
      signal: this.#stopped.signal,
      onContact: () => {
        this.#contactAt = performance.now();
      },
      onItem: (raw) => {
        const identity = identify(raw);
        if (identity === undefined)
          throw this.#listAgain('get', 'a listed object without identity');
        sink.listed(identity, raw);
      },
    });
    // A stop while the last page was read: nobody expects changes any more.
    this.#stopped.signal.throwIfAborted();
    this.#hasListed = true;
    this.#missingBackoff.reset();
    sink.endList();
    sink.availability({ state: 'synced' });
    return resourceVersion;
  }

  /** Follows one watch; returns when it ended as watches do. */
  async #watch(resourceVersion: string): Promise<void> {
    const { path, selectors, limits, sink } = this.#options;
    const { steadyMs } = limits;
    const { inactivityMs, wantedSeconds } = watchTimes(limits, this.#api.isSupervised);
    // At random, so that the watches that a restarted server got at once do not end at once.
    const timeoutSeconds = Math.ceil(wantedSeconds * (1 - Math.random() / 5));
    let openedAt = 0;
    let steady: NodeJS.Timeout | undefined;
    try {
      const end = await followWatch({
        api: this.#api,
        signal: this.#stopped.signal,
        path,
        query: { ...selectors, resourceVersion, timeoutSeconds, allowWatchBookmarks: true },
        inactivityMs,
        onOpen: () => {
          openedAt = performance.now();
          this.#contactAt = openedAt;
          steady = setTimeout(() => {
            this.#backoff.reset();
            this.#wasForgotten = false;
            this.#refusals = 0;
            this.#options.contact.end(this, openedAt);
            sink.availability({ state: 'synced' });
            sink.watched(true);
          }, steadyMs);
        },
        onEvent: (type, object) => this.#onEvent(type, object),
      });
      const livedMs = performance.now() - openedAt;
      // A server that closes every watch at once must not be asked in a tight loop.
      if (end === 'closed' && livedMs < steadyMs) {
        throw new KubernetesError(
          { status: 0, reason: OwnReason.unreachable, verb: 'watch', path },
          `the server closed it after ${Math.round(livedMs)} ms`,
        );
      }
    } finally {
      clearTimeout(steady);
    }
  }

  /** @throws KubernetesError that ends the watch */
  #onEvent(type: unknown, object: unknown): void {
    // Lines that were read before a stop arrive after it.
    if (this.#stopped.signal.aborted) return;
    this.#contactAt = performance.now();
    if (type === 'ERROR') throw this.#listAgain('watch', 'the server ended it', object);
    if (type === 'BOOKMARK') {
      this.#resourceVersion = this.#versionOf(object);
      return;
    }
    const identity = identify(object);
    if (identity === undefined) throw this.#listAgain('watch', 'an event without identity');
    const { sink } = this.#options;
    if (type === 'ADDED' || type === 'MODIFIED') sink.changed(identity, object);
    else if (type === 'DELETED') sink.deleted(identity);
    else throw this.#listAgain('watch', `an event of the unknown type ${JSON.stringify(type)}`);
    this.#resourceVersion = identity.resourceVersion;
  }

  /** The only thing that a bookmark has is its resource version. */
  #versionOf(bookmark: unknown): string {
    const { metadata } = (bookmark ?? {}) as { metadata?: { resourceVersion?: unknown } };
    const version = metadata?.resourceVersion;
    if (typeof version === 'string' && version !== '') return version;
    throw this.#listAgain('watch', 'a bookmark without resource version');
  }

  /**
   * The server could not say what happened, or we do not understand it: only a list shows the
   * state then.
   */
  #listAgain(verb: 'get' | 'watch', what: string, status?: unknown): KubernetesError {
    this.#resourceVersion = undefined;
    const { code, reason, message } = readStatus(status);
    return new KubernetesError(
      { status: code ?? 0, reason: reason ?? OwnReason.malformed, verb, path: this.#options.path },
      message ?? what,
    );
  }
}

/**
 * The first list may be of any age: the server takes it from its memory and need not ask etcd,
 * and the watch catches up. A later list must not be older than what the sink has seen.
 */
const ANY_VERSION = '0';

/** How long a watch may last, and may be silent. */
function watchTimes(limits: WatchLimits, isSupervised: boolean) {
  const { inactivityMs, watchTimeoutSeconds, unaskedInactivityMs, unaskedTimeoutSeconds } = limits;
  if (isSupervised) return { inactivityMs, wantedSeconds: watchTimeoutSeconds };
  return {
    inactivityMs: Math.min(inactivityMs, unaskedInactivityMs),
    wantedSeconds: Math.min(watchTimeoutSeconds, unaskedTimeoutSeconds),
  };
}
