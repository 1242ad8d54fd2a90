/**
 * How long the event loop was held: everything that waits (a CNI call, a renewal of the Lease, a
 * probe) waited so long beside its own work.
 *
 * A turn that took long is a line in the log, with the longest piece of work in it where that is
 * known (`timed`), and the time of the processor that the process had meanwhile: where that is much
 * less than the delay, the machine was busy with something else.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Logger } from './log.ts';

/** From here on a delay is logged; ms. */
const LOGGED_FROM_MS = 200;
/** How often it is looked at, so that there are no more lines than that; ms. */
const LOOK_EVERY_MS = 1_000;
/** The histogram measures timers that are due each so often; ms. */
const RESOLUTION_MS = 10;

/** A piece of work that was done without a pause. */
interface Work {
  readonly what: string;
  readonly ms: number;
}

let longest: Work | undefined;

/**
 * Does a piece of work, and remembers it where it is the longest.
 * @param what for the log: which object, of which kind
 */
export function timed<T>(what: () => string, work: () => T): T {
  const startedAt = performance.now();
  try {
    return work();
  } finally {
    const ms = performance.now() - startedAt;
    if (ms > (longest?.ms ?? RESOLUTION_MS)) longest = { what: what(), ms };
  }
}

/** Measures how long the event loop was held, and logs what takes long. */
export class LoopDelay {
  readonly #log: Logger;
  readonly #observe: ((delayMs: number) => void) | undefined;
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #cpu = process.cpuUsage();
  #maxMs = 0;
  #work: Work | undefined;

  /**
   * Begins to measure. It keeps no process alive.
   * @param observe is called, each second, with the longest time that the loop was held in it
   */
  constructor(log: Logger, observe?: (delayMs: number) => void) {
    this.#log = log;
    this.#observe = observe;
    longest = undefined;
    this.#histogram.enable();
    const look = () => {
      const delayMs = this.#look();
      this.#observe?.(delayMs);
    };
    // After a long turn this timer is due, and so is the histogram's, which must be first: a reset
    // before it takes the turn away.
    this.#timer = setInterval(() => setImmediate(look).unref(), LOOK_EVERY_MS).unref();
  }

  /** The longest time that the loop was held since the last `report`, or since it was made; ms. */
  get maxMs(): number {
    this.#look();
    return this.#maxMs;
  }

  /** Says in the log what the longest time was, and begins anew. */
  report(): void {
    const { maxMs } = this;
    this.#log.info({ maxMs, ...describe(this.#work) }, 'event loop: the longest time it was held');
    this.#maxMs = 0;
    this.#work = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  /** @returns how long the loop was held since the last look; ms */
  #look(): number {
    const delayMs = Math.max(0, Math.round(this.#histogram.max / 1e6) - RESOLUTION_MS);
    this.#histogram.reset();
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpu = process.cpuUsage();
    const work = longest;
    longest = undefined;
    if (delayMs > this.#maxMs) {
      this.#maxMs = delayMs;
      this.#work = work;
    }
    if (delayMs < LOGGED_FROM_MS) return delayMs;
    const cpuMs = Math.round((user + system) / 1000);
    this.#log.warn(
      { delayMs, cpuMs, ...describe(work) },
      'the event loop was held: everything else waited',
    );
    return delayMs;
  }
}

function describe(work: Work | undefined): object {
  return work === undefined ? {} : { work: work.what, workMs: Math.round(work.ms) };
}

/**
 * Measures for as long as the process lives. SIGUSR2 has the longest time logged, and begins anew.
 * @param observe as LoopDelay's
 */
export function watchEventLoop(log: Logger, observe?: (delayMs: number) => void): LoopDelay {
  const delay = new LoopDelay(log, observe);
  process.on('SIGUSR2', () => delay.report());
  return delay;
}
