/**
 * Waits of a call that say what they waited for when its deadline passes.
 */
import { DeadlinePassed } from '../common/concurrency/deadline.ts';
import { tryAgain } from './error.ts';

/** What a wait is for, and what a person should look at when it does not come. */
export interface Wait {
  readonly what: string;
  readonly lookAt: string;
}

/**
 * Awaits `task`, and turns a passed deadline into an error that names this wait.
 *
 * @param wait may be a function where the wait has stages: it is asked when the deadline passes
 * @throws CniError 11 when the deadline passed, else what `task` throws
 */
export async function waiting<T>(wait: Wait | (() => Wait), task: Promise<T>): Promise<T> {
  try {
    return await task;
  } catch (error) {
    if (!(error instanceof DeadlinePassed)) throw error;
    const { what, lookAt } = typeof wait === 'function' ? wait() : wait;
    throw tryAgain(`waited ${error.afterMs / 1000} s for ${what}`, `look at ${lookAt}`, error);
  }
}
