/**
 * Work by key, level-triggered: a key stands for "what is about this object may not be as it ought
 * to be", and its work looks at how things are now. So a key is worked on once at a time; changes
 * that come meanwhile ask for one more run, however many they are.
 *
 * Keys are taken first come first served, those first for which somebody waits. Work that fails is
 * tried again after pauses that grow; a change of the object begins again with the shortest, and
 * other events may end them early.
 */
import { Turns } from '../common/concurrency/turns.ts';
import type { Logger } from '../common/log.ts';
import { FailureLog } from './failure-log.ts';

export interface WorkQueueOptions {
  /**
   * Makes what a key stands for as it ought to be, also where its object is gone. It writes
   * nothing that is so already: what it writes may come back as a change of the object.
   */
  readonly work: (key: string) => Promise<void>;
  /** Keys that are worked on at a time. */
  readonly concurrency: number;
  /** What is not done when it fails, for the log: `the networks of a pod`. */
  readonly what: string;
  readonly log: Logger;
  readonly pauses?: RetryPauses;
}

export interface RetryPauses {
  /** After the first failure; ms. Each is twice the one before, less up to a half at random. */
  readonly firstMs: number;
  readonly maxMs: number;
}

const DEFAULT_PAUSES: RetryPauses = { firstMs: 50, maxMs: 60_000 };

/** Whether this is what a key waits for whose work failed so. */
export type RetryPredicate = (key: string, error: unknown) => boolean;

export interface WorkQueueFigures {
  /** Keys in line. */
  readonly depth: number;
  readonly running: number;
  /** Keys in a pause after a failure. */
  readonly paused: number;
  /** Runs that began, since the beginning. */
  readonly runs: number;
  /** Of these, those that failed. */
  readonly failures: number;
}

interface Run {
  /** The object changed since it began. */
  isOutdated: boolean;
  /** What happened since it began that a failure may have been waiting for. */
  readonly retries: Set<RetryPredicate>;
}

interface Pause {
  readonly error: unknown;
  readonly timer: NodeJS.Timeout;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #pauses: RetryPauses;
  readonly #failureLog: FailureLog;
  /** Somebody waits for these: they go before all others. */
  readonly #urgent = new Line();
  readonly #line = new Line();
  readonly #running = new Map<string, Run>();
  readonly #turns = new Turns();
  readonly #paused = new Map<string, Pause>();
  /** Failures in a row since the object changed. */
  readonly #failedRuns = new Map<string, number>();
  #idle: PromiseWithResolvers<void> | undefined;
  #ended: PromiseWithResolvers<void> | undefined;
  #runCount = 0;
  #failureCount = 0;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#pauses = options.pauses ?? DEFAULT_PAUSES;
    this.#failureLog = new FailureLog(options.what, options.log);
  }

  get figures(): WorkQueueFigures {
    return {
      depth: this.#line.size + this.#urgent.size,
      running: this.#running.size,
      paused: this.#paused.size,
      runs: this.#runCount,
      failures: this.#failureCount,
    };
  }

  /**
   * The object has changed, or may have: it is worked on after this, at once where it can be.
   * @param options.isUrgent true where somebody waits for it: it goes before those of whom that is
   *   not true, though thousands of these came before
   */
  add(key: string, { isUrgent = false } = {}): void {
    this.#failedRuns.delete(key);
    const run = this.#running.get(key);
    if (run === undefined) this.#enqueue(key, isUrgent);
    else run.isOutdated = true;
  }

  /**
   * Something has happened that work may have failed for want of: what is paused, and what fails
   * that is running now, is tried again without a pause where `isWanted` says so. The next pause
   * is not shorter for it.
   */
  retryWaiting(isWanted: RetryPredicate): void {
    // They may have looked before it happened.
    for (const run of this.#running.values()) run.retries.add(isWanted);
    for (const [key, { error }] of [...this.#paused]) {
      if (isWanted(key, error)) this.#enqueue(key);
    }
  }

  /** Resolves when nothing is in line and nothing runs; what is paused is not waited for. */
  async idle(): Promise<void> {
    if (this.#isIdle) return;
    this.#idle ??= Promise.withResolvers();
    await this.#idle.promise;
  }

  /** Begins no more work. Resolves when what runs has ended. */
  async stop(): Promise<void> {
    this.#ended ??= Promise.withResolvers();
    this.#line.clear();
    this.#urgent.clear();
    for (const { timer } of this.#paused.values()) clearTimeout(timer);
    this.#paused.clear();
    this.#settle();
    await this.#ended.promise;
  }

  get #isIdle(): boolean {
    return this.#line.size + this.#urgent.size + this.#running.size === 0;
  }

  #enqueue(key: string, isUrgent = false): void {
    if (this.#ended !== undefined) return;
    clearTimeout(this.#paused.get(key)?.timer);
    this.#paused.delete(key);
    if (isUrgent) {
      this.#line.delete(key);
      this.#urgent.add(key);
    } else if (!this.#urgent.has(key)) this.#line.add(key);
    this.#begin();
  }

  /** Begins as much work as may run. */
  #begin(): void {
    while (this.#running.size < this.#options.concurrency) {
      const key = this.#urgent.take() ?? this.#line.take();
      if (key === undefined) return;
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    const run: Run = { isOutdated: false, retries: new Set() };
    this.#running.set(key, run);
    this.#runCount += 1;
    try {
      // Thousands of keys that need no work must not hold up events and renewals of the Lease.
      await this.#turns.next();
      await this.#options.work(key);
      this.#running.delete(key);
      this.#succeeded(key);
      if (run.isOutdated) this.#enqueue(key);
    } catch (error) {
      this.#running.delete(key);
      this.#failed(key, error, run);
    }
    this.#begin();
    this.#settle();
  }

  #succeeded(key: string): void {
    this.#failedRuns.delete(key);
    this.#failureLog.succeeded(key);
  }

  #failed(key: string, error: unknown, run: Run): void {
    this.#failureCount += 1;
    const failedRuns = (this.#failedRuns.get(key) ?? 0) + 1;
    this.#failureLog.failed(key, error, failedRuns);
    if (this.#ended !== undefined) return;
    if (run.isOutdated) {
      this.#enqueue(key);
      return;
    }
    this.#failedRuns.set(key, failedRuns);
    if ([...run.retries].some((isWanted) => isWanted(key, error))) {
      this.#enqueue(key);
      return;
    }
    const { firstMs, maxMs } = this.#pauses;
    const ms = Math.min(firstMs * 2 ** (failedRuns - 1), maxMs) * (0.5 + Math.random() / 2);
    const timer = setTimeout(() => this.#enqueue(key), ms);
    this.#paused.set(key, { error, timer });
  }

  /** Tells those who wait for the end of work. */
  #settle(): void {
    if (this.#isIdle) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    if (this.#running.size === 0) this.#ended?.resolve();
  }
}

/** Keys in the order in which they came, each once. */
class Line {
  readonly #keys = new Set<string>();
  /** Goes on over what comes later, too; a new one would have to pass the gaps of what has left. */
  readonly #head = this.#keys.values();

  get size(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    this.#keys.add(key);
  }

  delete(key: string): void {
    this.#keys.delete(key);
  }

  clear(): void {
    this.#keys.clear();
  }

  /** Takes the first. */
  take(): string | undefined {
    if (this.#keys.size === 0) return undefined;
    const { value } = this.#head.next();
    if (value !== undefined) this.#keys.delete(value);
    return value;
  }
}
