/**
 * What the leader asks of the API server besides its watches. Nothing is sent without the Lease,
 * and what is on its way when that is lost is given up.
 *
 * An object that is gone is no error here: whoever wanted to write on it learns of that by its
 * watch, and does then what is to be done.
 */
import pLimit from 'p-limit';
import { startDeadline } from '../../common/concurrency/deadline.ts';
import { isConflict, isNotFound, type KubernetesApi } from '../../common/kubernetes/api.ts';
import type { Leadership } from './leadership.ts';

/** For one request; ms. As long as Kube-OVN's controller waits. */
const REQUEST_TIMEOUT_MS = 30_000;
/** More would only wait at the server, which answers to everybody. */
const REQUESTS_AT_ONCE = 32;

/** What work on objects asks for. */
export type Writes = Pick<LeaderWrites, 'read' | 'create' | 'patch' | 'remove'>;

/**
 * All reject with a LeadershipError when the Lease is lost, with DeadlinePassed when the server
 * does not answer, and with a KubernetesError when it refuses.
 */
export class LeaderWrites {
  readonly #api: KubernetesApi;
  readonly #leadership: Leadership;
  readonly #slots = pLimit(REQUESTS_AT_ONCE);

  constructor(api: KubernetesApi, leadership: Leadership) {
    this.#api = api;
    this.#leadership = leadership;
  }

  /** Reads an object as the server has it now; undefined where there is none. */
  read(path: string): Promise<unknown> {
    return this.#ifThere((signal) => this.#api.get(path, {}, signal));
  }

  /**
   * Adds an object, and returns it as the server completed it.
   * @param path of the collection
   * @throws KubernetesError, a conflict where there is one of its name
   */
  create(path: string, body: object): Promise<unknown> {
    return this.#leading((signal) => this.#api.create(path, body, signal));
  }

  /**
   * Applies a merge patch, and returns the object; undefined where there is none.
   * @throws KubernetesError, a conflict where the patch has a `metadata.resourceVersion` and the
   *   object another one
   */
  patch(path: string, patch: object): Promise<unknown> {
    return this.#ifThere((signal) => this.#api.mergePatch(path, patch, signal));
  }

  /** Has an object deleted, unless it is gone or another one has its name. */
  async remove(path: string, uid: string): Promise<void> {
    try {
      await this.#ifThere((signal) => this.#api.delete(path, uid, signal));
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }

  async #ifThere<T>(request: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#leading(request);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #leading<T>(request: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#slots(async () => {
      this.#leadership.throwIfLost();
      using deadline = startDeadline(REQUEST_TIMEOUT_MS, this.#leadership.lost);
      return await request(deadline.signal);
    });
  }
}
