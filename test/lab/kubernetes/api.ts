/**
 * A double of the Kubernetes API server: real HTTP on the loopback interface, so that the real
 * client talks to it, and objects in memory that behave as the real server's do. Nothing
 * reconciles here: tests play the part of controllers, scheduler and kubelet.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Faults } from './faults.ts';
import { answer, serve, understand, verbOf } from './handler.ts';
import { kindNamed } from './kinds.ts';
import { Lists } from './lists.ts';
import { type KubernetesObject, keyOf, type NewObject } from './object.ts';
import { RequestLog } from './requests.ts';
import { predicateOf, type Selection } from './selectors.ts';
import { ApiRefusal, injected } from './status.ts';
import { ObjectStore } from './store.ts';
import { Watches } from './watches.ts';
import type { DeleteOptions } from './writes.ts';

export type { KubernetesObject, NewObject } from './object.ts';
export { ApiRefusal } from './status.ts';

/**
 * Objects are named by kind (`Pod`) and key (`namespace/name`, or `name` without a namespace).
 * What tests do in process is not subject to the rules for requests about status: `create`,
 * `update` and `patch` write all parts of an object. Refusals are thrown as ApiRefusal.
 */
export class KubernetesApiDouble implements AsyncDisposable {
  /** What was asked over HTTP. */
  readonly requests = new RequestLog();
  /** Failures to inject; `silence` and `resume` are below, since they concern watches too. */
  readonly faults = new Faults();
  readonly watches: Watches;
  readonly #store = new ObjectStore();
  readonly #lists: Lists;
  readonly #server = createServer((request, response) => void this.#handle(request, response));
  readonly #sockets = new Set<Socket>();
  #token: string | undefined;
  #port = 0;
  #connectionCount = 0;

  /** @param options.token what clients must bear; none is asked for without it */
  constructor({ token }: { token?: string } = {}) {
    this.#token = token;
    this.#lists = new Lists(this.#store);
    this.watches = new Watches(this.#store);
    this.#server.on('connection', (socket) => {
      this.#connectionCount += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** A double that listens. */
  static async start(options: { token?: string } = {}): Promise<KubernetesApiDouble> {
    const double = new KubernetesApiDouble(options);
    await double.start();
    return double;
  }

  /** Listens; after a `close` again on the same port, with the same objects. */
  async start(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Breaks all connections and listens no more. */
  async close(): Promise<void> {
    this.faults.resume();
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.resetConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Like `http://127.0.0.1:12345`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** TCP connections that were accepted so far. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  /** TCP connections that are open. */
  get openConnectionCount(): number {
    return this.#sockets.size;
  }

  /** Asks for another token from now on, or for none. */
  setToken(token: string | undefined): void {
    this.#token = token;
  }

  /** A kubeconfig for this server with the token that it asks for now; JSON, which is YAML. */
  kubeconfig(): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      // Without this client-node refuses a server without TLS.
      clusters: [
        { name: 'double', cluster: { server: this.url, 'insecure-skip-tls-verify': true } },
      ],
      users: [{ name: 'test', user: this.#token === undefined ? {} : { token: this.#token } }],
      contexts: [{ name: 'test', context: { cluster: 'double', user: 'test' } }],
      'current-context': 'test',
    });
  }

  async writeKubeconfig(path: string): Promise<void> {
    await writeFile(path, this.kubeconfig(), { mode: 0o600 });
  }

  /** @param object with `kind`; its `apiVersion` is known */
  create(object: NewObject): KubernetesObject {
    return structuredClone(this.#store.create(kindNamed(object.kind ?? ''), object, 'all'));
  }

  get(kind: string, key: string): KubernetesObject {
    return structuredClone(this.#store.get(kindNamed(kind), key));
  }

  /** Resolves with an object as soon as it exists and is as `isReady` wants it. */
  until(
    kind: string,
    key: string,
    isReady: (object: KubernetesObject) => boolean,
  ): Promise<KubernetesObject> {
    const { promise, resolve } = Promise.withResolvers<KubernetesObject>();
    const look = () => {
      const object = new Map(this.#store.all(kindNamed(kind))).get(key);
      if (object === undefined || !isReady(object)) return;
      stop();
      resolve(structuredClone(object));
    };
    const stop = this.#store.onEvent(look);
    look();
    return promise;
  }

  /** Resolves with an object that is as `isWanted` wants it, as soon as there is one of that kind. */
  untilSome(
    kind: string,
    isWanted: (object: KubernetesObject) => boolean,
  ): Promise<KubernetesObject> {
    const { promise, resolve } = Promise.withResolvers<KubernetesObject>();
    const look = () => {
      const found = this.list(kind).find(isWanted);
      if (found === undefined) return;
      stop();
      resolve(found);
    };
    const stop = this.#store.onEvent(look);
    look();
    return promise;
  }

  /**
   * Calls `listener` after each change of an object of this kind, before anybody else learns of
   * it: with the object, or undefined where it is gone.
   * @returns ends it
   */
  onChange(kind: string, listener: (object: KubernetesObject | undefined) => void): () => void {
    const wanted = kindNamed(kind);
    return this.#store.onEvent((event) => {
      if (event.kind === wanted) listener(structuredClone(event.after));
    });
  }

  list(kind: string, selection: Selection = {}): KubernetesObject[] {
    const isSelected = predicateOf(kindNamed(kind), selection);
    const objects = this.#store.all(kindNamed(kind)).map(([, object]) => object);
    return structuredClone(objects.filter(isSelected));
  }

  /** Replaces an object; refused as stale only where it has a `resourceVersion`. */
  update(object: NewObject): KubernetesObject {
    const { name = '', namespace } = (object.metadata ?? {}) as {
      name?: string;
      namespace?: string;
    };
    const key = keyOf({ name, namespace });
    return structuredClone(this.#store.replace(kindNamed(object.kind ?? ''), key, object, 'all'));
  }

  /** Applies a merge patch. */
  patch(kind: string, key: string, patch: object): KubernetesObject {
    return structuredClone(this.#store.patch(kindNamed(kind), key, patch, 'all'));
  }

  /**
   * What a DELETE does: an object with finalizers, and a pod on a node unless its grace period
   * is 0, is only marked with a `deletionTimestamp`.
   */
  delete(kind: string, key: string, options: DeleteOptions = {}): void {
    this.#store.delete(kindNamed(kind), key, options);
  }

  /** What the kubelet does when a pod's containers are gone: finalizers alone can keep it now. */
  finishDeletion(key: string): void {
    this.#store.delete(kindNamed('Pod'), key, { gracePeriodSeconds: 0 });
  }

  /** Forgets the history: watches from before get a 410, and so do lists half read. */
  compact(): void {
    this.#store.compact();
    this.#lists.compact();
  }

  /** Breaks all connections with a TCP reset. */
  resetConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /**
   * Connections stay open and new ones are accepted, but nothing is said any more. Watches that
   * are open now stay mute for good: their events are lost.
   */
  silence(): void {
    this.faults.silence();
    this.watches.muteAll();
  }

  /** Requests that came during a silence are answered, and new ones. */
  resume(): void {
    this.faults.resume();
  }

  async #handle(http: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(http.url ?? '/', this.url);
    const verb = verbOf(http.method ?? 'GET', url);
    const path = url.pathname;
    this.requests.add({ verb, path, query: Object.fromEntries(url.searchParams) });
    await this.faults.audible();
    if (response.destroyed) return;
    try {
      const status = this.faults.take({ verb, path });
      if (status !== undefined) throw injected(status);
      this.#authenticate(http);
      const backend = { store: this.#store, lists: this.#lists, watches: this.watches };
      await serve(understand(http, url), response, backend);
    } catch (error) {
      const refusal = error instanceof ApiRefusal ? error : new ApiRefusal(500, String(error));
      answer(response, refusal.code, refusal.toStatus());
    }
  }

  #authenticate({ headers }: IncomingMessage): void {
    if (this.#token === undefined || headers.authorization === `Bearer ${this.#token}`) return;
    throw new ApiRefusal(401, 'Unauthorized');
  }
}
