/**
 * The time for which a process leads: renews the Lease, ends when it cannot, and releases it.
 *
 * It ends on its own clock, counted from before the last renewal was sent. Others count from when
 * they have seen it, which is later, and count longer: so nobody else leads until it has ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../../common/concurrency/backoff.ts';
import { isConflict, isNotFound } from '../../common/kubernetes/api.ts';
import type { Logger } from '../../common/log.ts';
import { Outage } from '../../common/outage.ts';
import { messageOf, show } from '../../common/text.ts';
import { LeadershipError } from './error.ts';
import type { Leadership } from './leadership.ts';
import type { Lease, LeaseObject } from './lease.ts';
import { type LeaseTimes, pauses, requestTimeoutMs } from './times.ts';

/** The Lease of a term, its holder, and how long it lasts. */
export interface TermOptions {
  readonly object: LeaseObject;
  readonly holder: string;
  readonly times: LeaseTimes;
  readonly log: Logger;
}

/** Who ends does not wait for a server that is away. */
const RELEASE_ATTEMPTS = 4;

/**
 * One term. Renewals begin with it; it ends when it is released, when somebody else holds the Lease, or when
 * the renew deadline has passed.
 */
export class Term implements Leadership {
  readonly #options: TermOptions;
  readonly #ended = new AbortController();
  readonly #backoff: Backoff;
  readonly #outage: Outage;
  readonly #renewals: Promise<void>;
  /** As it was seen last; undefined where somebody deleted it. */
  #lease: Lease | undefined;
  /** On the clock of performance.now(); ms. */
  #endsAt: number;
  #timer: NodeJS.Timeout;

  /**
   * @param lease ours
   * @param sentAt when the request was sent that made it ours; ms of performance.now()
   */
  constructor(options: TermOptions, lease: Lease, sentAt: number) {
    this.#options = options;
    this.#lease = lease;
    this.#backoff = new Backoff(pauses(options.times));
    this.#outage = new Outage(options.log, {
      fields: { path: options.object.path },
      lost: 'the Lease cannot be renewed, trying again: this controller leads no more when that goes on',
      back: 'the Lease is renewed again',
    });
    this.#endsAt = sentAt + options.times.renewDeadlineMs;
    this.#timer = this.#armTimer();
    this.#renewals = this.#keepRenewing();
  }

  /** See Leadership. */
  get lost(): AbortSignal {
    return this.#ended.signal;
  }

  /** See Leadership. */
  throwIfLost(): void {
    if (performance.now() >= this.#endsAt) this.#timeIsUp();
    this.#ended.signal.throwIfAborted();
  }

  /** See Leadership. */
  async release(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#end(
      new LeadershipError('released', 'the Lease was released', 'nothing: it was asked for'),
    );
    await this.#renewals;
    try {
      await this.#release(AbortSignal.timeout(requestTimeoutMs(this.#options.times)));
      this.#options.log.info({ path: this.#options.object.path }, 'the Lease is released');
    } catch (error) {
      this.#options.log.warn(
        { path: this.#options.object.path, error: messageOf(error) },
        'the Lease could not be released: others wait until it expires',
      );
    }
  }

  async #release(signal: AbortSignal): Promise<void> {
    const { object, holder } = this.#options;
    for (let attempt = 1; this.#lease?.holder === holder; attempt++) {
      try {
        return await object.release(this.#lease, signal);
      } catch (error) {
        if (signal.aborted || attempt === RELEASE_ATTEMPTS) throw error;
        // By a renewal of ours, perhaps, that had no answer.
        if (hasChanged(error)) this.#lease = await object.read(signal);
        // The connection broke, perhaps, and another one works.
        else await this.#backoff.pause(signal).catch(() => Promise.reject(error));
      }
    }
  }

  /** Ends with the term. */
  async #keepRenewing(): Promise<void> {
    const { signal } = this.#ended;
    try {
      for (;;) {
        await sleep(this.#options.times.renewEveryMs, undefined, { signal });
        await this.#renew(signal);
      }
    } catch (error) {
      // Anything else than the end would go unnoticed, and the Lease with it.
      if (!signal.aborted) this.#lose(messageOf(error));
    }
  }

  /** Tries until it is renewed. @throws when the term has ended */
  async #renew(signal: AbortSignal): Promise<void> {
    for (;;) {
      const sentAt = performance.now();
      try {
        const timeout = AbortSignal.timeout(requestTimeoutMs(this.#options.times));
        await this.#tryToRenew(AbortSignal.any([signal, timeout]));
        this.#extend(sentAt);
        return;
      } catch (error) {
        signal.throwIfAborted();
        this.#outage.begin(messageOf(error));
      }
      await this.#backoff.pause(signal);
    }
  }

  async #tryToRenew(signal: AbortSignal): Promise<void> {
    const { object, holder, times } = this.#options;
    try {
      const claim = { holder, seconds: times.leaseSeconds };
      this.#lease = await object.take(this.#lease, claim, signal);
    } catch (error) {
      if (!hasChanged(error)) throw error;
      this.#lease = await object.read(signal);
      const now = this.#lease?.holder ?? holder;
      if (now !== holder) this.#lose(`it says that ${show(now)} holds it`);
      // The next attempt goes on from what it is now.
      throw error;
    }
  }

  #extend(sentAt: number): void {
    // Once the time is up it stays so, though the server may have renewed it in time.
    this.throwIfLost();
    this.#endsAt = sentAt + this.#options.times.renewDeadlineMs;
    clearTimeout(this.#timer);
    this.#timer = this.#armTimer();
    this.#backoff.reset();
    this.#outage.end(performance.now());
  }

  /** Late where the process was stopped or busy. */
  #armTimer(): NodeJS.Timeout {
    return setTimeout(() => this.#timeIsUp(), this.#endsAt - performance.now());
  }

  #timeIsUp(): void {
    this.#lose(`it was not renewed for ${this.#options.times.renewDeadlineMs / 1000} s`);
  }

  #lose(why: string): void {
    this.#end(
      new LeadershipError(
        'lost',
        `this controller leads no more: the Lease ${this.#options.object.path} is lost: ${why}`,
        'nothing more is written: another controller, or this one when it is started again, goes on',
      ),
    );
  }

  #end(reason: LeadershipError): void {
    clearTimeout(this.#timer);
    this.#ended.abort(reason);
  }
}

/** True where the Lease is no longer the one that we know. */
function hasChanged(error: unknown): boolean {
  return isConflict(error) || isNotFound(error);
}
