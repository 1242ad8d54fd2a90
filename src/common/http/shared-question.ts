/**
 * A question that anybody may ask as often as they like: those who ask at the same time share one
 * answer, none takes long, and what costs something rests after it, so that nobody can have the program
 * do nothing else.
 */
import { abortable, startDeadline } from '../concurrency/deadline.ts';

/** Answers a question; `signal` ends when nobody waits for the answer any more. */
export type Source<T> = (signal: AbortSignal) => T | Promise<T>;

/** How much of the program's time a question may take. */
export interface Sharing {
  /** The question is given up after this; ms. */
  readonly limitMs: number;
  /** It starts tools, or holds the event loop: nine tenths of the time are for other work. */
  readonly isCostly?: boolean;
}

/** A rest lasts so many times as long as the answer took, */
const REST_FACTOR = 9;
/** and no longer than this: whoever asks waits for it; ms. */
const REST_MS_MAX = 1000;

/**
 * @returns asks, or joins those who wait for a question that is running or about to. An answer is never
 * kept: where the question rests, those who ask meanwhile get what it says after that.
 */
export function shared<T>(
  source: Source<T>,
  { limitMs, isCostly = false }: Sharing,
): () => Promise<T> {
  let running: Promise<T> | undefined;
  let restUntil = 0;
  const ask = async () => {
    await untilMs(restUntil);
    const startedAt = performance.now();
    try {
      using deadline = startDeadline(limitMs);
      return await abortable(Promise.resolve(source(deadline.signal)), deadline.signal);
    } finally {
      const now = performance.now();
      if (isCostly) restUntil = now + Math.min(REST_MS_MAX, (now - startedAt) * REST_FACTOR);
    }
  };
  return () => {
    running ??= ask().finally(() => {
      running = undefined;
    });
    return running;
  };
}

/** @param atMs on the clock of `performance.now()` */
async function untilMs(atMs: number): Promise<void> {
  const leftMs = atMs - performance.now();
  if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
}
