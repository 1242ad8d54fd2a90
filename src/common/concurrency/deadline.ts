/**
 * A deadline for all that one piece of work waits for.
 */

/** Why a call's signal was aborted: its time is up. */
export class DeadlinePassed extends Error {
  readonly afterMs: number;

  constructor(afterMs: number) {
    super(`no result within ${afterMs / 1000} s`);
    this.name = 'DeadlinePassed';
    this.afterMs = afterMs;
  }
}

/** A deadline that can be ended early, by `abort` with a reason or by disposal. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  abort(reason: Error): void;
}

/**
 * Starts a deadline of `ms`; it also ends when `caller`, where there is one, is aborted.
 * @param passedMs part of `ms` that has passed already
 */
export function startDeadline(ms: number, caller?: AbortSignal, passedMs = 0): Deadline {
  const controller = new AbortController();
  const leftMs = Math.max(0, ms - passedMs);
  const timer = setTimeout(() => controller.abort(new DeadlinePassed(ms)), leftMs);
  // Not AbortSignal.any: a caller that lives long would keep a little of each deadline.
  const follow = () => controller.abort(caller?.reason);
  if (caller?.aborted) follow();
  caller?.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', follow);
    },
  };
}

/** `task`, or the signal's reason, whichever comes first; leaves no listener. */
export async function abortable<T>(task: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([task, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
