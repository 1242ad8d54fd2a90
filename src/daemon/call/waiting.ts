/**
 * Waits of a call that say what they waited for when its deadline passes.
 */
import { DeadlinePassed } from '../../common/concurrency/deadline.ts';
import { tryAgain } from './error.ts';
import { inStage, type Stage } from './stage.ts';

/** What a wait is for, and what a person should look at when it does not come. */
export interface Wait {
  readonly what: string;
  readonly lookAt: string;
  /** The stage of the call that it is, where it is one of an ADD or a DEL. */
  readonly stage?: Stage;
  /** How Kube-OVN's own daemon says that it did not come: what people search for. */
  readonly knownAs?: string;
}

/**
 * Awaits `task` as the stage that the wait is, and turns a passed deadline into an error that names
 * this wait.
 *
 * @param wait may be a function where the wait has stages: it is asked when the deadline passes
 * @throws CniError 11 when the deadline passed, else what `task` throws
 */
export async function waiting<T>(wait: Wait | (() => Wait), task: Promise<T>): Promise<T> {
  const current = typeof wait === 'function' ? wait : () => wait;
  try {
    return await inStage(() => current().stage, task);
  } catch (error) {
    if (!(error instanceof DeadlinePassed)) throw error;
    const { what, lookAt, knownAs } = current();
    const message = `waited ${error.afterMs / 1000} s for ${what}`;
    const known = knownAs === undefined ? message : `${knownAs}: ${message}`;
    throw tryAgain(known, `look at ${lookAt}`, error);
  }
}
