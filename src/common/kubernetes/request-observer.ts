/**
 * What is observed of each request to the API server, for metrics and for the log.
 */

/** One request, once its answer has begun or there is to be none. */
export interface RequestSeen {
  /** Of HTTP: `GET`. */
  readonly method: string;
  /** From the server's root, without the query. */
  readonly path: string;
  /** Of the answer; undefined where none came. */
  readonly status: number | undefined;
  /** Until the beginning of the answer. */
  readonly ms: number;
}

/** Called for a request when its answer begins, or when it has failed. It must not throw. */
export type RequestObserver = (request: RequestSeen) => void;
