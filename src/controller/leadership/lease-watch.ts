/**
 * What somebody sees of the Lease who waits for it: when it may be taken.
 *
 * It may be taken when nobody has it, and when its holder has not renewed it for as long as it
 * says that it is the holder's. That is measured on our clock from when we saw the last renewal,
 * as client-go does it: what the holder's clock wrote into it is never compared with ours.
 *
 * Kube-OVN's role may read and watch Leases but not list them, so that a WatchCache is of no use.
 * A watch without a resource version begins with what there is.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { Backoff } from '../../common/concurrency/backoff.ts';
import { Condition } from '../../common/concurrency/condition.ts';
import { KubernetesApi } from '../../common/kubernetes/api.ts';
import { defaultLimits } from '../../common/kubernetes/limits.ts';
import type { RequestObserver } from '../../common/kubernetes/request-observer.ts';
import { followWatch } from '../../common/kubernetes/watch-stream.ts';
import type { Logger } from '../../common/log.ts';
import { SharedOutage } from '../../common/shared-outage.ts';
import { messageOf, show } from '../../common/text.ts';
import { LeadershipError } from './error.ts';
import { isOurKind, LEASE_NAME, type Lease, LeaseObject, projectLease } from './lease.ts';
import { type LeaseTimes, pauses, requestTimeoutMs } from './times.ts';

/** Which Lease is watched, and for whom. */
export interface LeaseWatchOptions {
  readonly config: KubeConfig;
  readonly namespace: string;
  /** Who waits. */
  readonly holder: string;
  readonly times: LeaseTimes;
  readonly log: Logger;
  /** Called for each request. */
  readonly observe?: RequestObserver | undefined;
}

/** The Lease as it may be taken; undefined where it is to be created. */
export interface Free {
  readonly lease: Lease | undefined;
}

/** Watches the Lease from when it is made until it is disposed of. */
export class LeaseWatch implements Disposable {
  readonly #options: LeaseWatchOptions;
  readonly #api: KubernetesApi;
  readonly #object: LeaseObject;
  readonly #condition = new Condition();
  /** Of the watch (`this`), and of what is tried to take the Lease (`#taking`). */
  readonly #outage: SharedOutage;
  readonly #taking = {};
  readonly #stopped = new AbortController();
  #hasSeen = false;
  #lease: Lease | undefined;
  /** Until when it may not be taken, on the clock of performance.now(); ms. */
  #heldUntil = 0;
  /** Looks again at that time. */
  #timer: NodeJS.Timeout | undefined;
  /** A holder of another kind has renewed it under our eyes. */
  #refusal: LeadershipError | undefined;

  /** Begins to watch. */
  constructor(options: LeaseWatchOptions) {
    this.#options = options;
    this.#api = new KubernetesApi(options.config, undefined, options.observe);
    this.#object = new LeaseObject(this.#api, options.namespace);
    this.#outage = new SharedOutage(options.log, {
      fields: { path: this.#object.path },
      lost: 'the Lease cannot be watched or taken, trying again',
      back: 'the Lease is watched again, and can be taken',
    });
    void this.#follow();
  }

  /** Ends all requests and timers at once; waits go on. */
  [Symbol.dispose](): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
    this.#api.destroy();
  }

  /**
   * Waits until the Lease may be taken.
   * @throws LeadershipError when a controller of another kind has it and is alive;
   *   `signal.reason` when aborted
   */
  untilFree(signal: AbortSignal): Promise<Free> {
    return this.#condition.until(() => {
      if (this.#refusal !== undefined) throw this.#refusal;
      if (!this.#hasSeen) return undefined;
      const lease = this.#lease;
      // Ours: we took it, and its answer was lost.
      const isFree = lease?.holder === this.#options.holder || performance.now() >= this.#heldUntil;
      return isFree ? { lease } : undefined;
    }, signal);
  }

  /** Reads the Lease now, which the watch may not have brought yet. @throws KubernetesError */
  async refresh(signal: AbortSignal): Promise<void> {
    const timeout = AbortSignal.timeout(requestTimeoutMs(this.#options.times));
    this.#see(await this.#object.read(AbortSignal.any([signal, timeout])));
  }

  /** An attempt to take it failed. */
  takeFailed(error: unknown): void {
    this.#outage.begin(this.#taking, messageOf(error));
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff(pauses(this.#options.times));
    while (!signal.aborted) {
      try {
        await this.refresh(signal);
        await this.#watch(() => backoff.reset());
      } catch (error) {
        if (signal.aborted) return;
        this.#outage.begin(this, messageOf(error));
      }
      // Only a stop ends the pause early, and with it this loop.
      await backoff.pause(signal).catch(() => undefined);
    }
  }

  async #watch(onSeen: () => void): Promise<void> {
    const { watchTimeoutSeconds, inactivityMs } = defaultLimits;
    await followWatch({
      api: this.#api,
      signal: this.#stopped.signal,
      path: this.#object.collection,
      query: {
        fieldSelector: `metadata.name=${LEASE_NAME}`,
        timeoutSeconds: watchTimeoutSeconds,
      },
      inactivityMs,
      onOpen: () => this.#outage.end(this, performance.now()),
      onEvent: (type, object) => {
        if (type === 'ERROR') throw new Error(`the server ended the watch: ${show(object)}`);
        onSeen();
        this.#see(type === 'DELETED' ? undefined : projectLease(object));
      },
    });
  }

  /** The Lease is now so; undefined where there is none. */
  #see(lease: Lease | undefined): void {
    if (this.#stopped.signal.aborted) return;
    const hasChanged = lease !== undefined && lease.record !== this.#lease?.record;
    if (hasChanged) {
      const { leaseSeconds } = this.#options.times;
      const heldMs = lease.holder === '' ? 0 : (lease.durationMs ?? leaseSeconds * 1000);
      this.#heldUntil = performance.now() + heldMs;
      // Somebody else could write, and has: it is not to be taken now.
      if (lease.holder !== '') this.#outage.end(this.#taking, performance.now());
      if (this.#hasSeen) this.#refusal ??= refusalOf(lease, this.#object.path);
    }
    // One that was deleted under its holder's hands is still the holder's until it expires.
    this.#lease = lease;
    this.#hasSeen = true;
    this.#wake();
  }

  /** Lets those look who wait, now and when the Lease expires. */
  #wake(): void {
    clearTimeout(this.#timer);
    const leftMs = this.#heldUntil - performance.now();
    // A timer may be early, and is then set again.
    if (leftMs > 0) this.#timer = setTimeout(() => this.#wake(), Math.ceil(leftMs));
    this.#condition.check();
  }
}

/** A Lease that somebody of another kind has just written: the proof that they are alive. */
function refusalOf({ holder }: Lease, path: string): LeadershipError | undefined {
  if (holder === '' || isOurKind(holder)) return undefined;
  return new LeadershipError(
    'heldByAnotherKind',
    `another kind of controller manages this cluster: ${show(holder)} holds and renews the Lease ${path}`,
    "only one kind may allocate addresses: where this is Kube-OVN's own kube-ovn-controller, either remove this one, or scale the other's Deployment to 0 and start this one again",
  );
}
