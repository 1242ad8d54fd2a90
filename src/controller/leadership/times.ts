/**
 * The times of an election.
 */

/** How long a Lease lasts, and how often it is renewed. */
export interface LeaseTimes {
  /** For which the Lease is its holder's after each renewal; whole seconds. */
  readonly leaseSeconds: number;
  /** A leader that could not renew it for so long leads no more; less than the lease; ms. */
  readonly renewDeadlineMs: number;
  /** Between renewals; ms. */
  readonly renewEveryMs: number;
}

/**
 * What client-go and the components of Kubernetes have by default. Between the deadline and the
 * end of the lease nobody leads: clocks may run at different speeds by so much, and writes that
 * were on their way when the deadline passed have the time to end.
 */
export const defaultLeaseTimes: LeaseTimes = {
  leaseSeconds: 15,
  renewDeadlineMs: 10_000,
  renewEveryMs: 2_000,
};

/** For one request about the Lease; ms. A server that does not answer can be asked twice. */
export function requestTimeoutMs({ renewDeadlineMs }: LeaseTimes): number {
  return renewDeadlineMs / 2;
}

/** Pauses after a request that failed: several fit into what is left of the deadline. */
export function pauses({ renewEveryMs }: LeaseTimes): { firstMs: number; maxMs: number } {
  return { firstMs: renewEveryMs / 8, maxMs: renewEveryMs };
}
