/**
 * Faults that a test injects into the fake API server.
 */
import { isMatch, type RequestMatch } from './requests.ts';

interface PlannedFailure {
  readonly status: number;
  readonly match: RequestMatch;
  left: number;
}

export class Faults {
  #planned: PlannedFailure[] = [];
  #always: number | undefined;
  #silence: PromiseWithResolvers<void> | undefined;
  #goAway: () => boolean = () => false;

  /** The next `count` requests that match are answered with this HTTP status. */
  failNext(count: number, status: number, match: RequestMatch = {}): void {
    this.#planned.push({ status, match, left: count });
  }

  /**
   * All requests that match are answered with this HTTP status: 404 for a kind that does not exist,
   * 403 for one that may not be read.
   * @returns ends it
   */
  fail(status: number, match: RequestMatch): () => void {
    const failure = { status, match, left: Number.POSITIVE_INFINITY };
    this.#planned.push(failure);
    return () => {
      this.#planned = this.#planned.filter((other) => other !== failure);
    };
  }

  /** All requests are answered with this HTTP status, until it is undefined again. */
  failAll(status: number | undefined): void {
    this.#always = status;
  }

  /** The status that this request shall be answered with. */
  take(request: RequestMatch): number | undefined {
    if (this.#always !== undefined) return this.#always;
    const planned = this.#planned.find(({ match }) => isMatch(request, match));
    if (planned === undefined) return undefined;
    planned.left -= 1;
    if (planned.left === 0) this.#planned = this.#planned.filter((other) => other !== planned);
    return planned.status;
  }

  /**
   * What the real server's `--goaway-chance` does: a request has this chance, 0 to 1, that its
   * HTTP/2 connection is told by GOAWAY to take no more of them. The real server takes at most
   * 0.02.
   * @param seed the same one tells the same requests
   */
  goAwayChance(chance: number, seed = 1): void {
    const random = randomOf(seed);
    this.#goAway = () => random() < chance;
  }

  /** Whether a request that has come is one of those. */
  takeGoAway(): boolean {
    return this.#goAway();
  }

  get isSilent(): boolean {
    return this.#silence !== undefined;
  }

  /** No request is answered from now on. */
  silence(): void {
    this.#silence ??= Promise.withResolvers();
  }

  /** Requests that wait are answered, unless their client has left. */
  resume(): void {
    this.#silence?.resolve();
    this.#silence = undefined;
  }

  /** Resolves when requests may be answered: at once, without a silence. */
  async audible(): Promise<void> {
    await this.#silence?.promise;
  }
}

/** Numbers from 0 to 1 (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
