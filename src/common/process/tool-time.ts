/**
 * The time that the tools of one piece of work have together. It is kept beside the work (Node's
 * AsyncLocalStorage) and not handed from function to function: it holds for whatever tool the work
 * comes to, and none is forgotten.
 *
 * Part of the time can be kept back for undoing what the work has made: tools of the work are ended
 * before that, so that there is an answer in time also where every tool hangs.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

interface ToolTime {
  /** On the clock of `performance.now()`. */
  readonly endsAt: number;
  /** Kept back for undoing; ms. */
  readonly reserveMs: number;
  /** When undoing has to be over; undefined where nothing is being undone. */
  undoEndsAt?: number | undefined;
  /** True when a tool of the work was ended for its time: no other is started. */
  isUsedUp: boolean;
}

const times = new AsyncLocalStorage<ToolTime>();
const undoing = new AsyncLocalStorage<true>();

/**
 * Undoing is a look-up, a transaction and a call of ip, some 60 ms: these are many times that, also on
 * a node under load; ms.
 */
const UNDO_MS_MIN = 4000;
const UNDO_MS_MAX = 10_000;

/**
 * Runs `task`, whose tools have so long together.
 * @param reserveMs part of `ms` that is kept for `undoInTime`
 * @throws what `task` throws
 */
export function withToolTime<T>(ms: number, reserveMs: number, task: () => Promise<T>): Promise<T> {
  const time = { endsAt: performance.now() + ms, reserveMs, isUsedUp: false };
  return times.run(time, task);
}

/**
 * Runs a step that undoes something: until the end of the work's time, and at least for some seconds,
 * also where the work has used its own up. All steps have that together, until the work goes on: it
 * may undo what it has made and try again, and what it makes then has time of its own to be undone.
 */
export function undoInTime<T>(task: () => Promise<T>): Promise<T> {
  const time = times.getStore();
  if (time !== undefined && time.undoEndsAt === undefined) {
    const now = performance.now();
    const wanted = Math.max(time.endsAt, now + UNDO_MS_MIN);
    time.undoEndsAt = Math.min(wanted, now + UNDO_MS_MAX);
  }
  return undoing.run(true, task);
}

/** Called for each tool that is to start: how long it may take; ms, undefined without a limit. */
export function toolTimeLeft(): number | undefined {
  const time = times.getStore();
  if (time === undefined) return undefined;
  const now = performance.now();
  // A step that hangs leaves half of what there is to the one behind it.
  if (undoing.getStore()) return Math.max(0, ((time.undoEndsAt ?? time.endsAt) - now) / 2);
  if (time.isUsedUp) return 0;
  time.undoEndsAt = undefined;
  const left = Math.max(0, time.endsAt - now);
  return left > 2 * time.reserveMs ? left - time.reserveMs : left;
}

/** A tool was ended because the time of the work that runs here is up. */
export function toolTimeIsUp(): void {
  const time = times.getStore();
  if (time !== undefined) time.isUsedUp = true;
}
