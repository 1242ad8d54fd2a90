/**
 * Limits of a WatchCache.
 */

/** Sizes and times of one followed collection. */
export interface WatchLimits {
  /** Objects per page of a list. */
  readonly pageSize: number;
  /** A list of which nothing arrives for so long has failed; ms. */
  readonly listTimeoutMs: number;
  /** After this time the server is asked to end a watch, less up to a fifth at random; s. */
  readonly watchTimeoutSeconds: number;
  /** A watch on which nothing arrives for so long is opened again, over another connection; ms. */
  readonly inactivityMs: number;
  /** The same two where the connection is not asked whether it is alive (HTTP/1.1). */
  readonly unaskedTimeoutSeconds: number;
  readonly unaskedInactivityMs: number;
  /** A watch that ends sooner than this counts as a failed attempt; ms. */
  readonly steadyMs: number;
  /** Pause after the first failed attempt; ms. */
  readonly backoffFirstMs: number;
  /** Longest pause between attempts; ms. */
  readonly backoffMaxMs: number;
  /** The same where the server has no such kind: a CustomResourceDefinition may be installed later; ms. */
  readonly missingMaxMs: number;
  /** Between two lists of a collection that may not be watched, less up to a fifth at random; ms. */
  readonly unwatchedListMs: number;
}

/** What both programs follow collections with; each value says where it comes from. */
export const defaultLimits: WatchLimits = {
  // What kubectl and client-go use: some MB at most, whatever the size of the cluster.
  pageSize: 500,
  listTimeoutMs: 20_000,
  // The lower end of what client-go asks for (5 to 10 minutes).
  watchTimeoutSeconds: 300,
  // The server sends a bookmark about once a minute. A shorter limit would cut a quiet watch
  // before each bookmark, and its resource version would grow too old to resume from. A dead
  // connection is found sooner, see connections.ts.
  inactivityMs: 90_000,
  // A bookmark is sent two seconds before the end that we asked for: a watch that does not end then
  // is dead, and is noticed within 30 s. The next one goes over the same connection.
  unaskedTimeoutSeconds: 15,
  unaskedInactivityMs: 18_000,
  steadyMs: 2_000,
  backoffFirstMs: 200,
  // With the time for a connection that fails (10 s): 30 s after the server is back, we are, too.
  backoffMaxMs: 15_000,
  missingMaxMs: 15_000,
  // What such a collection is needed for at once is read by name.
  unwatchedListMs: 60_000,
};
