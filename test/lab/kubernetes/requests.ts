/**
 * What the fake API server was asked, for tests to count and to wait for.
 */
import { EventEmitter, once } from 'node:events';

/** What kubectl's audit logs call a verb. */
export type RequestVerb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** One request, kept from its arrival on. */
export interface RecordedRequest {
  readonly verb: RequestVerb;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** `1.1` or `2.0`. */
  readonly httpVersion: string;
  /** Who asked; empty where that is not known. */
  readonly user: string;
}

/** Which requests are meant; everything that is left out matches. */
export interface RequestMatch {
  readonly verb?: RequestVerb;
  readonly path?: string;
  readonly user?: string;
}

export class RequestLog {
  readonly all: RecordedRequest[] = [];
  readonly #arrivals = new EventEmitter();

  add(request: RecordedRequest): void {
    this.all.push(request);
    this.#arrivals.emit('arrival', request);
  }

  /** Requests that arrived so far. */
  count(match: RequestMatch = {}): number {
    return this.matching(match).length;
  }

  matching(match: RequestMatch): RecordedRequest[] {
    return this.all.filter((request) => isMatch(request, match));
  }

  /** Resolves when `count` requests have arrived since the beginning. */
  async waitFor(match: RequestMatch, count: number): Promise<void> {
    while (this.count(match) < count) await once(this.#arrivals, 'arrival');
  }

  /**
   * Calls `listener` with each request when it arrives, before anything is done about it.
   * @returns ends it
   */
  onArrival(listener: (request: RecordedRequest) => void): () => void {
    this.#arrivals.on('arrival', listener);
    return () => {
      this.#arrivals.off('arrival', listener);
    };
  }

  /** Starts to count anew. */
  clear(): void {
    this.all.length = 0;
  }
}

export function isMatch(request: RequestMatch, match: RequestMatch): boolean {
  if (match.verb !== undefined && match.verb !== request.verb) return false;
  if (match.user !== undefined && match.user !== request.user) return false;
  return match.path === undefined || match.path === request.path;
}
