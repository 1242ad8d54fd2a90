/**
 * What a work queue reports of itself, for metrics.
 */

/** Called for each run; ms. It must not throw. */
export interface WorkQueueObserver {
  /** A run begins, of a key that was in line for so long. */
  began(waitedMs: number): void;
  ended(ms: number): void;
}

/** How much a work queue has to do, and has done. */
export interface WorkQueueFigures {
  /** Keys in line. */
  readonly depth: number;
  readonly running: number;
  /** Keys in a pause after a failure. */
  readonly paused: number;
  /** How often a key was put in line, since the beginning. */
  readonly adds: number;
  /** Runs that began, since the beginning. */
  readonly runs: number;
  /** Of these, those that failed. */
  readonly failures: number;
  /** Of these, those that began with a long time in which nothing else could run (TurnMeter). */
  readonly longTurns: number;
  /** How long they run that run now, together; ms. */
  readonly runningMs: number;
  /** How long the one runs that began first; ms. */
  readonly longestRunMs: number;
}
