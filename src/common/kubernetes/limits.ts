/**
 * Limits of a WatchCache.
 */

export interface WatchLimits {
  /** Objects per page of a list. */
  readonly pageSize: number;
  /** For one page of a list; ms. */
  readonly listTimeoutMs: number;
  /** After this time the server is asked to end a watch, less up to a fifth at random; s. */
  readonly watchTimeoutSeconds: number;
  /** A watch on which nothing arrives for so long is opened again; ms. */
  readonly inactivityMs: number;
  /** A watch that ends sooner than this counts as a failed attempt; ms. */
  readonly steadyMs: number;
  /** Pause after the first failed attempt; ms. */
  readonly backoffFirstMs: number;
  /** Longest pause between attempts; ms. */
  readonly backoffMaxMs: number;
}

export const defaultLimits: WatchLimits = {
  // What kubectl and client-go use: some MB at most, whatever the size of the cluster.
  pageSize: 500,
  listTimeoutMs: 30_000,
  // The lower end of what client-go asks for (5 to 10 minutes).
  watchTimeoutSeconds: 300,
  // The server sends a bookmark about once a minute. A shorter limit would cut a quiet watch
  // before each bookmark, and its resource version would grow too old to resume from. A peer
  // that vanished is found sooner, by TCP: client-node asks for keep-alive probes after 30 s,
  // and Node gives up after ten more, one second apart.
  inactivityMs: 90_000,
  steadyMs: 2_000,
  backoffFirstMs: 200,
  backoffMaxMs: 30_000,
};
