/**
 * Single requests to the API server, as raw JSON. What changes all the time is watched
 * instead: see watch-cache.ts.
 */
import { HttpMethod, type KubeConfig, RequestContext } from '@kubernetes/client-node';
import { fetch, type RequestInit } from 'undici';
import { type KeptConnections, keepConnections } from './connections.ts';
import {
  errorOfAnswer,
  errorOfConnection,
  KubernetesError,
  OwnReason,
  type Verb,
} from './error.ts';

export { loadKubeConfig } from './config.ts';
export { isConflict, isNotFound, KubernetesError } from './error.ts';

/** Parameters of a request's query; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Request {
  readonly verb: Verb;
  readonly method: HttpMethod;
  readonly path: string;
  readonly query?: Query;
  readonly body?: { readonly type: string; readonly content: unknown };
  readonly signal: AbortSignal;
}

/**
 * Requests end when their signal does: give one with a deadline. All of them reject with a
 * KubernetesError, except for an aborted one, which rejects with `signal.reason`.
 */
export class KubernetesApi {
  readonly #connections: KeptConnections;

  /** @param config who and where; it is copied, see `keepConnections` */
  constructor(config: KubeConfig) {
    this.#connections = keepConnections(config);
  }

  /** For client-node's own classes: what they send goes over this object's connections. */
  get config(): KubeConfig {
    return this.#connections.config;
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

  async #request(request: Request): Promise<unknown> {
    const { verb, path, signal } = request;
    const answer = await this.#send(request).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      throw errorOfConnection({ verb, path }, error);
    });
    if (answer.status < 200 || answer.status > 299) throw errorOfAnswer({ verb, path }, answer);
    try {
      return JSON.parse(answer.body);
    } catch (error) {
      const fields = { status: answer.status, reason: OwnReason.malformed, verb, path };
      throw new KubernetesError(fields, 'the answer is not JSON', { cause: error });
    }
  }

  async #send({ method, path, query = {}, body, signal }: Request) {
    signal.throwIfAborted();
    const url = new URL((this.config.getCurrentCluster()?.server ?? '') + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const context = new RequestContext(url.href, method);
    context.setHeaderParam('Accept', 'application/json');
    if (body !== undefined) context.setHeaderParam('Content-Type', body.type);
    // Reads the token and the certificates anew, as far as client-node does.
    await this.config.applySecurityAuthentication(context);
    const init: RequestInit = { method, headers: context.getHeaders(), signal };
    const dispatcher = context.getDispatcher();
    if (dispatcher !== undefined) init.dispatcher = dispatcher;
    if (body !== undefined) init.body = JSON.stringify(body.content);
    const response = await fetch(url, init);
    const { status, statusText } = response;
    return { status, statusText, body: await response.text() };
  }
}
