/**
 * How a reconciler says that it cannot go on, and what it waits for.
 */

/** Why it makes sense to try again, and when. */
export interface NotDoneOptions {
  /** True where it is about to change by itself: another object's work is on its way. */
  readonly isTransient?: boolean;
  /**
   * Names of everything that would make another attempt worth while, besides a change of the object
   * itself: `Subnet/web`. Only those wake the key again (WorkQueue.wake). Empty where nothing but the
   * object itself has to change; undefined where it is not known, so that attempts are repeated after
   * growing pauses.
   */
  readonly waitsFor?: Iterable<string>;
}

/**
 * Work is not done, and that is no fault of ours: something is wrong with an object, or something
 * else has to come first. What to do is said where people look for it, on the object.
 */
export class NotDone extends Error {
  readonly isTransient: boolean;
  readonly waitsFor: readonly string[] | undefined;

  constructor(message: string, { isTransient = false, waitsFor }: NotDoneOptions = {}) {
    super(message);
    this.name = 'NotDone';
    this.isTransient = isTransient;
    this.waitsFor = waitsFor === undefined ? undefined : [...new Set(waitsFor)];
  }
}
