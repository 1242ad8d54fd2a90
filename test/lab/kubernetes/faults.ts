/**
 * Faults that a test injects into the API server double.
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

  /** The next `count` requests that match are answered with this HTTP status. */
  failNext(count: number, status: number, match: RequestMatch = {}): void {
    this.#planned.push({ status, match, left: count });
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
