/**
 * How long work holds the event loop before it first waits for something: for so long no event is
 * read, no probe is answered and no Lease is renewed. What holds it later, between two waits, is seen
 * by LoopDelay (loop-delay.ts), which cannot tell whose work it was.
 */
import type { Logger } from '../log.ts';
import { timed } from '../loop-delay.ts';

/** From here on a turn is long; ms. */
const LONG_MS = 50;
/** How old the reading of the processor's time may be that a turn is measured from; ms. */
const READING_MS = 10;
/** At most one line in so long a time: all keys of a queue may be as slow; ms. */
const QUIET_MS = 10_000;

/**
 * Measures the first turn of each run of one queue: from 50 ms on it is counted, and logged at most once in 10
 * s.
 */
export class TurnMeter {
  readonly #what: string;
  readonly #log: Logger;
  #longTurns = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  /** A system call each, and most turns are over before it: thousands share one. */
  #cpu: NodeJS.CpuUsage | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** @param what for the log: what the work is about, as WorkQueueOptions.what */
  constructor(what: string, log: Logger) {
    this.#what = what;
    this.#log = log;
  }

  /** How many turns were long since the beginning. */
  get longTurns(): number {
    return this.#longTurns;
  }

  /**
   * Begins the work on a key.
   * @throws what `work` throws at once
   */
  run(key: string, work: (key: string) => Promise<void>): Promise<void> {
    const beganAtMs = performance.now();
    if (beganAtMs - this.#readAtMs > READING_MS) {
      this.#cpu = process.threadCpuUsage();
      this.#readAtMs = beganAtMs;
    }
    try {
      return timed(
        () => `${this.#what}: ${key}`,
        () => work(key),
      );
    } finally {
      const ms = performance.now() - beganAtMs;
      if (ms > LONG_MS) this.#report(key, ms);
    }
  }

  /** Where the processor's time is much less than the turn's, the machine was busy with something else. */
  #report(key: string, ms: number): void {
    this.#longTurns += 1;
    const now = performance.now();
    if (now - this.#loggedAtMs < QUIET_MS) return;
    this.#loggedAtMs = now;
    const { user, system } = process.threadCpuUsage(this.#cpu);
    this.#readAtMs = Number.NEGATIVE_INFINITY;
    const cpuMs = Math.min(ms, (user + system) / 1000);
    const fields = { key, ms: Math.round(ms), cpuMs: Math.round(cpuMs) };
    this.#log.warn(fields, `${this.#what}: held the event loop: everything else waited`);
  }
}
