/**
 * Why a process is not the leader, or is it no longer.
 */

/** Why this process does not lead. */
export type LeadershipReason =
  /** Another kind of controller has the cluster, and is alive. */
  | 'heldByAnotherKind'
  /** It was ours, and is no longer, or perhaps not. */
  | 'lost'
  /** It was ours, and was released. */
  | 'released';

/** Why a process does not lead, or leads no more; the program ends with it. */
export class LeadershipError extends Error {
  readonly reason: LeadershipReason;
  /** What to do, or what happens next. */
  readonly details: string;

  constructor(reason: LeadershipReason, message: string, details: string) {
    super(message);
    this.name = 'LeadershipError';
    this.reason = reason;
    this.details = details;
  }
}
