/**
 * What it is to lead: for as long as it lasts, this process and no other may write.
 */

/** That this process leads, for as long as it lasts. */
export interface Leadership {
  /**
   * Aborted with a LeadershipError as soon as this process leads no more, also by `release`.
   * Nothing may be written from then on.
   */
  readonly lost: AbortSignal;
  /**
   * To be called before each write: after a time in which the process did not run, `lost` may
   * not have been aborted yet.
   * @throws LeadershipError when this process leads no more
   */
  throwIfLost(): void;
  /**
   * Gives the Lease back, so that another one leads at once; what writes must have ended. Never
   * rejects: one that cannot be released expires.
   */
  release(): Promise<void>;
}
