/**
 * Follows one collection of the API server: a list, then watches, for as long as it is told to.
 *
 * It never gives up. After a failure it goes on from the last resource version that it saw, and
 * lists again only where the server cannot go on from there, so that an outage of the API
 * server does not end in a storm of lists.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { Backoff } from '../concurrency/backoff.ts';
import type { Logger } from '../log.ts';
import { Outage } from '../outage.ts';
import { messageOf } from '../text.ts';
import { KubernetesApi, type Query } from './api.ts';
import { KubernetesError, OwnReason, readStatus } from './error.ts';
import type { WatchLimits } from './limits.ts';
import { listAll } from './listing.ts';
import { type Identity, identify } from './store.ts';
import { followWatch } from './watch-stream.ts';

/** Takes what the collection holds. Nothing of it may throw. */
export interface Sink {
  /** A list begins; one that fails half way is followed by another begin, not by an end. */
  beginList(): void;
  listed(identity: Identity, raw: unknown): void;
  /** The list is complete: what was not listed is gone. */
  endList(): void;
  /** An object was added or modified. */
  changed(identity: Identity, raw: unknown): void;
  deleted(identity: Identity): void;
}

export interface FollowerOptions {
  readonly config: KubeConfig;
  readonly path: string;
  readonly selectors: Query;
  /** True where the first list must not be older than the request for it. */
  readonly isFresh: boolean;
  readonly limits: WatchLimits;
  readonly log: Logger;
  readonly sink: Sink;
}

/**
 * Statuses after which a watch cannot go on where it was: the version is refused, the type is
 * not known (any more), the version is too old.
 */
const LIST_AGAIN_STATUSES: ReadonlySet<number> = new Set([400, 404, 410]);

export class CollectionFollower {
  readonly #options: FollowerOptions;
  readonly #api: KubernetesApi;
  readonly #backoff: Backoff;
  readonly #outage: Outage;
  readonly #stopped = new AbortController();
  #hasListed = false;
  /** What the sink has seen; undefined where the collection must be listed. */
  #resourceVersion: string | undefined;
  /** Since a watch was open for a while, the server could not go on from where we were. */
  #wasForgotten = false;
  #contactAt = Number.NEGATIVE_INFINITY;

  constructor(options: FollowerOptions) {
    const { config, limits, log, path } = options;
    this.#options = options;
    this.#api = new KubernetesApi(config);
    this.#backoff = new Backoff({ firstMs: limits.backoffFirstMs, maxMs: limits.backoffMaxMs });
    this.#outage = new Outage(log, {
      fields: { path },
      lost: 'objects of the cluster may be out of date: lost touch with the API server, trying again',
      back: 'objects of the cluster are up to date again: back in touch with the API server',
    });
  }

  /** Time since the server was last heard; ms, Infinity before the first time. */
  get msSinceContact(): number {
    return performance.now() - this.#contactAt;
  }

  /** Ends all requests and pauses at once. */
  stop(): void {
    this.#stopped.abort();
    this.#api.destroy();
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
        if (error instanceof KubernetesError && LIST_AGAIN_STATUSES.has(error.status)) {
          this.#resourceVersion = undefined;
          // A server that is back after a long outage has waited long enough for the list; one that
          // goes on like that has not.
          if (!this.#wasForgotten) this.#backoff.reset();
          this.#wasForgotten = true;
        }
        this.#outage.begin(messageOf(error));
        // Only a stop ends the pause early, and with it this loop.
        await this.#backoff.pause(signal).catch(() => undefined);
      }
    }
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
      onPage: (items) => {
        this.#contactAt = performance.now();
        for (const raw of items) {
          const identity = identify(raw);
          if (identity === undefined)
            throw this.#listAgain('get', 'a listed object without identity');
          sink.listed(identity, raw);
        }
      },
    });
    // A stop while the last page was read: nobody expects changes any more.
    this.#stopped.signal.throwIfAborted();
    this.#hasListed = true;
    sink.endList();
    return resourceVersion;
  }

  /** Follows one watch; returns when it ended as watches do. */
  async #watch(resourceVersion: string): Promise<void> {
    const { path, selectors, limits } = this.#options;
    const { inactivityMs, steadyMs, watchTimeoutSeconds } = limits;
    // At random, so that the watches that a restarted server got at once do not end at once.
    const timeoutSeconds = Math.ceil(watchTimeoutSeconds * (1 - Math.random() / 5));
    let openedAt = 0;
    let steady: NodeJS.Timeout | undefined;
    try {
      const end = await followWatch({
        config: this.#api.config,
        path,
        query: { ...selectors, resourceVersion, timeoutSeconds, allowWatchBookmarks: true },
        inactivityMs,
        onOpen: () => {
          openedAt = performance.now();
          this.#contactAt = openedAt;
          steady = setTimeout(() => {
            this.#backoff.reset();
            this.#wasForgotten = false;
            this.#outage.end(openedAt);
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
