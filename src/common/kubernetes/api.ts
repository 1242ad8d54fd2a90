/**
 * Single requests to the API server, as raw JSON. What changes all the time is watched
 * instead: see watch-cache.ts.
 */
import { HttpMethod, type KubeConfig } from '@kubernetes/client-node';
import { readText } from './body.ts';
import { type ConnectionLimits, type KeptConnections, keepConnections } from './connections.ts';
import {
  errorOfAnswer,
  errorOfConnection,
  KubernetesError,
  OwnReason,
  type Verb,
} from './error.ts';
import {
  type Answer,
  exchange,
  exchangeText,
  isTimeUp,
  type Query,
  type Question,
} from './exchange.ts';
import type { RequestObserver } from './request-observer.ts';

export { hostOf, loadKubeConfig } from './config.ts';
export { isConflict, isNotFound, KubernetesError } from './error.ts';

export type { Query } from './exchange.ts';

interface Request extends Question {
  readonly verb: Verb;
}

/**
 * Requests end when their signal does: give one with a deadline. All of them reject with a
 * KubernetesError, except for an aborted one, which rejects with `signal.reason`.
 */
export class KubernetesApi {
  readonly #connections: KeptConnections;
  readonly #observe: RequestObserver | undefined;

  /**
   * @param config who and where; it is copied, see `keepConnections`
   * @param observe is called for each request, other than those that the caller gave up
   */
  constructor(config: KubeConfig, limits?: ConnectionLimits, observe?: RequestObserver) {
    this.#connections = keepConnections(config, limits);
    this.#observe = observe;
  }

  /** Who and where; what is sent with it goes over this object's connections. */
  get config(): KubeConfig {
    return this.#connections.config;
  }

  /** True where the connection is asked all the time whether it is alive (HTTP/2). */
  get isSupervised(): boolean {
    return this.#connections.isSupervised;
  }

  /**
   * Reads an object or a collection.
   * @param path from the server's root: `/api/v1/nodes/node-1`
   */
  get(path: string, query: Query, signal: AbortSignal): Promise<unknown> {
    return this.#request({ verb: 'get', method: HttpMethod.GET, path, query, signal });
  }

  /**
   * Changes the parts of an object that `body` names (RFC 7386), and returns the object. With
   * a `metadata.resourceVersion` in it the server refuses (409) where the object has changed.
   */
  mergePatch(path: string, body: object, signal: AbortSignal): Promise<unknown> {
    const patch = { type: 'application/merge-patch+json', content: body };
    return this.#request({ verb: 'patch', method: HttpMethod.PATCH, path, body: patch, signal });
  }

  /**
   * Replaces an object, and returns it. The server refuses (409) where the object is no longer at
   * `metadata.resourceVersion`.
   */
  replace(path: string, body: object, signal: AbortSignal): Promise<unknown> {
    const replacement = { type: 'application/json', content: body };
    const request = { method: HttpMethod.PUT, path, body: replacement, signal };
    return this.#request({ verb: 'update', ...request });
  }

  /**
   * Adds an object to a collection, and returns it as the server completed it.
   * @param path of the collection: `/api/v1/namespaces/default/events`
   */
  create(path: string, body: object, signal: AbortSignal): Promise<unknown> {
    const created = { type: 'application/json', content: body };
    return this.#request({ verb: 'create', method: HttpMethod.POST, path, body: created, signal });
  }

  /**
   * Deletes an object; one with finalizers is only marked.
   * @param uid of the object that is meant: the server refuses (409) where another one has its name
   */
  async delete(path: string, uid: string, signal: AbortSignal): Promise<void> {
    const body = { type: 'application/json', content: { preconditions: { uid } } };
    await this.#request({ verb: 'delete', method: HttpMethod.DELETE, path, body, signal });
  }

  /** Ends all requests at once and lets none begin. */
  destroy(): void {
    this.#connections.destroy();
  }

  /**
   * Reads a collection, or follows it, as a stream of bytes: whoever asks reads it to its end or
   * destroys it, and `signal` ends it.
   * @throws KubernetesError, also for a refusal
   */
  stream(verb: 'get' | 'watch', path: string, query: Query, signal: AbortSignal): Promise<Answer> {
    return this.#answer({ verb, method: HttpMethod.GET, path, query, signal });
  }

  /** The next request goes over a new connection: nothing was heard on this one for too long. */
  renewConnection(): void {
    this.#connections.renew();
  }

  async #request(request: Request): Promise<unknown> {
    const { verb, path, signal } = request;
    const { status, statusText, text } = await this.#asked(request, exchangeText);
    const body = await text.catch((error: unknown) => {
      throw signal.aborted ? signal.reason : errorOfConnection({ verb, path }, error);
    });
    if (!isSuccess(status)) throw errorOfAnswer({ verb, path }, { status, statusText, body });
    try {
      return JSON.parse(body);
    } catch (error) {
      const fields = { status, reason: OwnReason.malformed, verb, path };
      throw new KubernetesError(fields, 'the answer is not JSON', { cause: error });
    }
  }

  /** An answer that is no refusal. */
  async #answer(request: Request): Promise<Answer> {
    const { verb, path, signal } = request;
    const answer = await this.#asked(request, exchange);
    const { status, statusText } = answer;
    if (isSuccess(status)) return answer;
    const body = await readText(answer).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : errorOfConnection({ verb, path }, error);
    });
    throw errorOfAnswer({ verb, path }, { status, statusText, body });
  }

  /** The head of an answer, whatever it says. */
  async #asked<T extends { readonly status: number }>(
    request: Request,
    send: (connections: KeptConnections, question: Question) => Promise<T>,
  ): Promise<T> {
    const { method, verb, path, signal } = request;
    signal.throwIfAborted();
    const startedAt = performance.now();
    const seen = (status: number | undefined) => {
      this.#observe?.({ method, path, status, ms: performance.now() - startedAt });
    };
    try {
      const answer = await send(this.#connections, request);
      seen(answer.status);
      if (answer.status === 401) this.#connections.refused();
      return answer;
    } catch (error) {
      if (!signal.aborted || isTimeUp(signal)) seen(undefined);
      if (signal.aborted) throw signal.reason;
      if (error instanceof KubernetesError) throw error;
      throw errorOfConnection({ verb, path }, error);
    }
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status <= 299;
}
