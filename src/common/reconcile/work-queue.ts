/**
 * Work by key, level-triggered: a key stands for "what is about this object may not be as it ought
 * to be", and its work looks at how things are now. So a key is worked on once at a time; changes
 * that come meanwhile ask for one more run, however many they are.
 *
 * Keys are taken first come first served, those with priority before all others. A key keeps its
 * priority until its work succeeds: while it runs, is tried again or waits, whatever else asks for it
 * (the contract of controller-runtime's priority queue).
 *
 * Work that fails says what it waits for (`NotDone.waitsFor`): only `wake` with one of these names, or
 * a change of the object itself, begins it again. Other failures are tried again after pauses that
 * grow; a change of the object begins again with the shortest. Who is woken again and again and goes on
 * waiting is held back, too (wake-pace.ts): work that wakes what it waits for itself never goes round
 * without a pause.
 */
import { Turns } from '../concurrency/turns.ts';
import type { Logger } from '../log.ts';
import { readFailure } from './failure.ts';
import { FailureLog } from './failure-log.ts';
import { Line } from './line.ts';
import type { WorkQueueFigures, WorkQueueObserver } from './queue-figures.ts';
import { TurnMeter } from './turn-meter.ts';
import { RecentWakes, WaitIndex } from './wait-index.ts';
import { WakePace } from './wake-pace.ts';

/** What the work on a key is, how many keys are worked on at a time, and when failed work is tried again. */
export interface WorkQueueOptions {
  /**
   * Makes what a key stands for as it ought to be, also where its object is gone. It writes
   * nothing that is so already: what it writes may come back as a change of the object. Whatever it
   * throws, at once or later, the queue goes on, and the key is tried again.
   */
  readonly work: (key: string) => Promise<void>;
  /** Keys that are worked on at a time. */
  readonly concurrency: number;
  /** What is not done when it fails, for the log: `the networks of a pod`. */
  readonly what: string;
  readonly log: Logger;
  readonly pauses?: RetryPauses;
  readonly observer?: WorkQueueObserver | undefined;
}

/** Pauses before failed work is tried again. */
export interface RetryPauses {
  /** After the first failure; ms. Each is twice the one before, less up to a half at random. */
  readonly firstMs: number;
  readonly maxMs: number;
  /**
   * After this, less up to a half at random, also work is tried again that waits for something by
   * name and was not woken: should a name be missing, it is late and not lost. Default: five minutes.
   */
  readonly namedMs?: number;
}

const NAMED_PAUSE_MS = 300_000;
const DEFAULT_PAUSES: RetryPauses = { firstMs: 50, maxMs: 60_000 };

interface Run {
  /** It has priority. */
  readonly isUrgent: boolean;
  /** A wake began it, and no change of the object. */
  readonly isWoken: boolean;
  /** When it began, among wakes. */
  readonly beganAt: number;
  /** The same on the clock of `performance.now()`. */
  readonly beganAtMs: number;
  /** Set where the object changed since it began: whether that asked for priority. */
  again?: { isUrgent: boolean };
}

interface Pause {
  readonly isUrgent: boolean;
  readonly timer: NodeJS.Timeout;
  /** Pauses are numbered as they begin. */
  readonly number: number;
}

/** Something of which there is enough for some of those who wait. */
interface Share {
  readonly name: string;
  /** Of how many more there is enough. */
  readonly left: () => number;
  /** Number of the last pause that had begun when it was offered: each is offered it once. */
  readonly lastPause: number;
  /** Keys that were woken for it and have not run yet. */
  offered: number;
}

/** Keys that are to be worked on, each by one run at a time, with priority, waits by name and backoff. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #pauses: Required<RetryPauses>;
  readonly #failureLog: FailureLog;
  readonly #turnMeter: TurnMeter;
  /** Keys with priority: they go before all others. */
  readonly #urgent = new Line();
  readonly #line = new Line();
  /** When keys were put in line, on the clock of `performance.now()`. */
  readonly #inLineSince = new Map<string, number>();
  readonly #running = new Map<string, Run>();
  readonly #turns = new Turns();
  readonly #paused = new Map<string, Pause>();
  readonly #waits = new WaitIndex();
  readonly #wakes = new RecentWakes();
  /** What keys were woken for that have not run since. */
  readonly #shares = new Map<string, Share[]>();
  readonly #pace: WakePace;
  /** Keys that were woken and have not run since. */
  readonly #woken = new Set<string>();
  /** Failures in a row since the object changed. */
  readonly #failedRuns = new Map<string, number>();
  /** Those who wait until a key is settled. */
  readonly #settling = new Map<string, PromiseWithResolvers<void>>();
  #idle: PromiseWithResolvers<void> | undefined;
  #ended: PromiseWithResolvers<void> | undefined;
  #addCount = 0;
  #runCount = 0;
  #failureCount = 0;
  #pauseCount = 0;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#pauses = { namedMs: NAMED_PAUSE_MS, ...(options.pauses ?? DEFAULT_PAUSES) };
    this.#pace = new WakePace(this.#pauses.firstMs);
    this.#failureLog = new FailureLog(options.what, options.log);
    this.#turnMeter = new TurnMeter(options.what, options.log);
  }

  /** How the queue is at this moment; counts are since its beginning, times in ms. */
  get figures(): WorkQueueFigures {
    const now = performance.now();
    const runsMs = [...this.#running.values()].map(({ beganAtMs }) => now - beganAtMs);
    return {
      depth: this.#line.size + this.#urgent.size,
      running: this.#running.size,
      paused: this.#paused.size,
      adds: this.#addCount,
      runs: this.#runCount,
      failures: this.#failureCount,
      longTurns: this.#turnMeter.longTurns,
      runningMs: runsMs.reduce((sum, ms) => sum + ms, 0),
      longestRunMs: Math.max(0, ...runsMs),
    };
  }

  /**
   * The object has changed, or may have: it is worked on after this, at once where it can be.
   * @param options.isUrgent true where somebody waits for it: it goes before those of whom that is
   *   not true, though thousands of these came before. False takes no priority away.
   */
  add(key: string, { isUrgent = false } = {}): void {
    this.#failedRuns.delete(key);
    this.#woken.delete(key);
    this.#pace.forget(key);
    const run = this.#running.get(key);
    if (run === undefined) this.#enqueue(key, isUrgent);
    else run.again = { isUrgent: isUrgent || (run.again?.isUrgent ?? false) };
  }

  /**
   * Something has happened that work may wait for under these names. Keys that wait for one of them
   * are worked on at once, and so are those that run now and fail for want of it. No other key is
   * looked at. The pauses of other failures are not shorter for it.
   */
  wake(...names: readonly string[]): void {
    for (const name of names) {
      // They may have looked before it happened.
      if (this.#running.size > 0) this.#wakes.record(name);
      for (const key of this.#waits.waitersOf(name)) this.#resumeWoken(key, false);
    }
  }

  /**
   * As `wake`, where what has come is not enough for all that wait for it: so many are woken as
   * there is enough for, those who wait longest first. When one of them has run, the next is woken
   * if something is still left.
   * @param left of how many more there is enough now
   */
  wakeSome(name: string, left: () => number): void {
    if (this.#running.size > 0) this.#wakes.record(name);
    this.#offer({ name, left, lastPause: this.#pauseCount, offered: 0 });
  }

  /** Resolves when nothing is in line and nothing runs; what is paused is not waited for. */
  async idle(): Promise<void> {
    if (this.#isIdle) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** Resolves when a key is neither in line nor runs: its work is done, or has failed. */
  async settled(key: string): Promise<void> {
    if (!this.#inLineSince.has(key) && !this.#running.has(key)) return;
    const waiting = this.#settling.get(key) ?? Promise.withResolvers();
    this.#settling.set(key, waiting);
    await waiting.promise;
  }

  /** Begins no more work. Resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#ended ??= Promise.withResolvers();
    this.#line.clear();
    this.#urgent.clear();
    this.#inLineSince.clear();
    for (const { timer } of this.#paused.values()) clearTimeout(timer);
    this.#paused.clear();
    this.#waits.clear();
    this.#woken.clear();
    this.#shares.clear();
    for (const key of this.#settling.keys()) this.#settleKey(key);
    this.#settle();
    await this.#ended.promise;
  }

  get #isIdle(): boolean {
    return this.#line.size + this.#urgent.size + this.#running.size === 0;
  }

  #offer(share: Share): void {
    const waiters = this.#waits.waitersOf(share.name);
    const left = waiters.size === 0 ? 0 : share.left();
    for (const key of waiters) {
      const pause = this.#paused.get(key);
      if (pause === undefined || pause.number > share.lastPause || share.offered >= left) return;
      share.offered += 1;
      const shares = this.#shares.get(key);
      if (shares === undefined) this.#shares.set(key, [share]);
      else shares.push(share);
      this.#resumeWoken(key, false);
    }
  }

  /** A key has run that something was offered: what it left is for the next. */
  #passOn(key: string): void {
    const shares = this.#shares.get(key) ?? [];
    this.#shares.delete(key);
    for (const share of shares) {
      share.offered -= 1;
      this.#offer(share);
    }
  }

  /** A key has been woken: it is worked on at once, unless it was too often in vain. */
  #resumeWoken(key: string, isUrgent: boolean): void {
    this.#woken.add(key);
    const ms = this.#pace.pauseMs(key);
    if (ms === 0) {
      this.#enqueue(key, isUrgent);
      return;
    }
    const hasPriority = isUrgent || (this.#paused.get(key)?.isUrgent ?? false);
    this.#endPause(key);
    this.#pause(key, hasPriority, ms);
  }

  /** Puts a key in line; one that is paused, or in line already, keeps the priority that it has. */
  #enqueue(key: string, isUrgent: boolean): void {
    if (this.#ended !== undefined) return;
    const hasPriority = isUrgent || (this.#paused.get(key)?.isUrgent ?? false);
    this.#endPause(key);
    if (!this.#inLineSince.has(key)) {
      this.#inLineSince.set(key, performance.now());
      this.#addCount += 1;
    }
    if (hasPriority) {
      this.#line.delete(key);
      this.#urgent.add(key);
    } else if (!this.#urgent.has(key)) this.#line.add(key);
    this.#begin();
  }

  #endPause(key: string): void {
    clearTimeout(this.#paused.get(key)?.timer);
    this.#paused.delete(key);
    this.#waits.delete(key);
  }

  /** Begins as much work as may run. */
  #begin(): void {
    while (this.#running.size < this.#options.concurrency) {
      const urgent = this.#urgent.take();
      const key = urgent ?? this.#line.take();
      if (key === undefined) return;
      void this.#run(key, urgent !== undefined);
    }
  }

  async #run(key: string, isUrgent: boolean): Promise<void> {
    const run: Run = {
      isUrgent,
      isWoken: this.#woken.delete(key),
      beganAt: this.#wakes.now(),
      beganAtMs: performance.now(),
    };
    this.#running.set(key, run);
    this.#runCount += 1;
    const { observer } = this.#options;
    observer?.began(run.beganAtMs - (this.#inLineSince.get(key) ?? run.beganAtMs));
    this.#inLineSince.delete(key);
    try {
      // Thousands of keys that need no work must not hold up events and renewals of the Lease.
      await this.#turns.next();
      await this.#turnMeter.run(key, this.#options.work);
      this.#running.delete(key);
      this.#succeeded(key, run);
    } catch (error) {
      this.#running.delete(key);
      this.#failed(key, error, run);
    }
    observer?.ended(performance.now() - run.beganAtMs);
    this.#forgetWakes();
    this.#passOn(key);
    this.#begin();
    this.#settleKey(key);
    this.#settle();
  }

  #succeeded(key: string, { again }: Run): void {
    this.#failedRuns.delete(key);
    this.#pace.forget(key);
    this.#failureLog.succeeded(key);
    if (again !== undefined) this.#enqueue(key, again.isUrgent);
  }

  #failed(key: string, error: unknown, run: Run): void {
    this.#failureCount += 1;
    const failedRuns = (this.#failedRuns.get(key) ?? 0) + 1;
    this.#failureLog.failed(key, error, failedRuns);
    if (this.#ended !== undefined) return;
    const isUrgent = run.isUrgent || (run.again?.isUrgent ?? false);
    if (run.again !== undefined) {
      this.#enqueue(key, isUrgent);
      return;
    }
    this.#failedRuns.set(key, failedRuns);
    const { waitsFor } = readFailure(error);
    if (run.isWoken && waitsFor !== undefined) this.#pace.failed(key);
    if (waitsFor !== undefined && this.#wakes.hasAny(waitsFor, run.beganAt)) {
      this.#resumeWoken(key, isUrgent);
      return;
    }
    const ms = this.#pauseMs(failedRuns, waitsFor !== undefined) * (0.5 + Math.random() / 2);
    this.#pause(key, isUrgent, ms);
    this.#waits.add(key, waitsFor ?? []);
  }

  /** A key goes on after this time, unless something begins it before. */
  #pause(key: string, isUrgent: boolean, ms: number): void {
    const timer = setTimeout(() => this.#enqueue(key, false), ms);
    this.#pauseCount += 1;
    this.#paused.set(key, { isUrgent, timer, number: this.#pauseCount });
  }

  #pauseMs(failedRuns: number, isNamed: boolean): number {
    const { firstMs, maxMs, namedMs } = this.#pauses;
    return isNamed ? namedMs : Math.min(firstMs * 2 ** (failedRuns - 1), maxMs);
  }

  /** The one that runs longest is the first that was begun. */
  #forgetWakes(): void {
    const [oldest] = this.#running.values();
    this.#wakes.forgetBefore(oldest?.beganAt ?? this.#wakes.now());
  }

  /** Resolves the waits for a key, unless it runs once more. */
  #settleKey(key: string): void {
    if (this.#inLineSince.has(key) || this.#running.has(key)) return;
    this.#settling.get(key)?.resolve();
    this.#settling.delete(key);
  }

  /** Resolves the waits for the end of work. */
  #settle(): void {
    if (this.#isIdle) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    if (this.#running.size === 0) this.#ended?.resolve();
  }
}
