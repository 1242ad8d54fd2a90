/**
 * Tries again what must succeed some time.
 */
import { type Logger, stackOf } from '../log.ts';
import { messageOf } from '../text.ts';
import { Backoff } from './backoff.ts';

const PAUSES = { firstMs: 500, maxMs: 30_000 };
const FOREVER = new AbortController().signal;

/**
 * Runs `task` until it succeeds, with growing pauses.
 * @param what what cannot be done when it fails, for the log: one line for each reason in a row
 * @throws AbortError when `signal` is aborted in a pause
 */
export async function untilDone<T>(
  what: string,
  task: () => Promise<T>,
  log: Logger,
  signal: AbortSignal = FOREVER,
): Promise<T> {
  const backoff = new Backoff(PAUSES);
  let lastReason = '';
  for (;;) {
    try {
      return await task();
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== lastReason) log.error(stackOf(error), `${what}: ${reason}; trying again`);
      lastReason = reason;
      await backoff.pause(signal);
    }
  }
}
