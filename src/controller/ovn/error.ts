/**
 * The one kind of failure of the northbound database: what is wrong, with which row, and what to
 * do about it. All of it ends in an event on the object concerned and in the log.
 */

/**
 * - `unreachable`: the database was not reached; trying again may help.
 * - `refused`: the database did not take the transaction; reading again and planning anew helps
 *   where something else wrote meanwhile.
 * - `missing`: another object's rows come first (a Vpc's router, a Subnet's switch).
 * - `taken`: a row that is not ours, or that is another object's, has the name.
 * - `unsupported`: this version of OVN cannot do what is asked for.
 */
export type NorthboundReason = 'unreachable' | 'refused' | 'missing' | 'taken' | 'unsupported';

/** `message` says what is wrong, `details` what to do about it. */
export class NorthboundError extends Error {
  readonly reason: NorthboundReason;
  readonly details: string;

  constructor(reason: NorthboundReason, message: string, details: string) {
    super(message);
    this.name = 'NorthboundError';
    this.reason = reason;
    this.details = details;
  }
}
