/**
 * A fake Kubernetes API server: real HTTP/2 over TLS on the loopback interface, so that
 * the real client talks to it, and objects in memory that behave as the real server's do. Nothing
 * reconciles here: tests play the part of controllers, scheduler and kubelet.
 */
import { writeFile } from 'node:fs/promises';
import { ADMIN, isInstalled } from './accounts.ts';
import { Faults } from './faults.ts';
import { answer, readJson, refuse, serve, understand, verbOf } from './handler.ts';
import { type Kind, kindNamed } from './kinds.ts';
import { type HttpRequest, type HttpResponse, Listener, type Protocol } from './listener.ts';
import { Lists } from './lists.ts';
import { type KubernetesObject, keyOf, type NewObject } from './object.ts';
import { type Resource, resourceOf, targetOf } from './paths.ts';
import { type Account, attributesOf, authorize, isAllowed } from './rbac.ts';
import { RequestLog, type RequestVerb } from './requests.ts';
import { answerReview, reviewKindOf } from './reviews.ts';
import { noteRefusal, noteUse } from './role-use.ts';
import { predicateOf, type Selection } from './selectors.ts';
import { ApiRefusal, injected } from './status.ts';
import { ObjectStore } from './store.ts';
import { Tokens } from './tokens.ts';
import { Watches } from './watches.ts';
import type { DeleteOptions } from './writes.ts';

export { ADMIN, CONTROLLER, DAEMON } from './accounts.ts';
export type { KubernetesObject, NewObject } from './object.ts';
export type { Account } from './rbac.ts';
export { ApiRefusal } from './status.ts';

/** `LAB_PROTOCOL=h2` runs any test over HTTP/2. */
const DEFAULT_PROTOCOL = (process.env.LAB_PROTOCOL ?? 'h2') as Protocol;

export interface FakeApiServerOptions {
  /** The administrator's; without it one that nobody knows beforehand. */
  readonly token?: string;
  /** See listener.ts. */
  readonly protocol?: Protocol;
  /** Of HTTP/2; 1000 without it. */
  readonly streamsPerConnection?: number;
  /** Kinds that this server does not have, like `VirtualMachine` in a cluster without KubeVirt. */
  readonly withoutKinds?: readonly string[];
}

/**
 * Objects are named by kind (`Pod`) and key (`namespace/name`, or `name` without a namespace).
 * What tests do in process is not subject to the rules for requests about status: `create`,
 * `update` and `patch` write all parts of an object. Refusals are thrown as ApiRefusal.
 */
export class FakeApiServer implements AsyncDisposable {
  /** What was asked over HTTP. */
  readonly requests = new RequestLog();
  /** Failures to inject; `silence` and `resume` are below, since they concern watches too. */
  readonly faults = new Faults();
  readonly watches: Watches;
  readonly #store = new ObjectStore();
  readonly #lists: Lists;
  readonly #listener: Listener;
  readonly #tokens = new Tokens();
  readonly #without: ReadonlySet<string>;

  constructor(options: FakeApiServerOptions = {}) {
    const { token, protocol = DEFAULT_PROTOCOL, streamsPerConnection } = options;
    if (token !== undefined) this.#tokens.set(ADMIN, token);
    this.#without = new Set(options.withoutKinds);
    this.#lists = new Lists(this.#store);
    this.watches = new Watches(this.#store);
    this.#listener = new Listener({ protocol, streamsPerConnection }, (request, response) => {
      void this.#handle(request, response);
    });
  }

  /** A fake API server that listens. */
  static async start(options: FakeApiServerOptions = {}): Promise<FakeApiServer> {
    const server = new FakeApiServer(options);
    await server.start();
    return server;
  }

  /** Listens; after a `close` again on the same port, with the same objects. */
  async start(): Promise<void> {
    await this.#listener.listen();
  }

  /** Breaks all connections and listens no more. */
  async close(): Promise<void> {
    this.faults.resume();
    await this.#listener.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Like `https://127.0.0.1:12345`. */
  get url(): string {
    return this.#listener.url;
  }

  /** TCP connections that were accepted so far. */
  get connectionCount(): number {
    return this.#listener.connectionCount;
  }

  /** TCP connections that are open. */
  get openConnectionCount(): number {
    return this.#listener.openConnectionCount;
  }

  /** The clients' ports of the TCP connections that are open. */
  get clientPorts(): number[] {
    return this.#listener.clientPorts;
  }

  /** The certificate that clients are to trust, PEM; undefined without TLS. */
  get authority(): string | undefined {
    return this.#listener.authority;
  }

  /** What an account has to bear. */
  tokenOf(account: Account = ADMIN): string {
    return this.#tokens.of(account);
  }

  /** Asks an account for another token from now on; the one before is refused. */
  setToken(token: string, account: Account = ADMIN): void {
    this.#tokens.set(account, token);
  }

  /** A kubeconfig for this server with an account's token of now; JSON, which is YAML. */
  kubeconfig(account: Account = ADMIN): string {
    const { url: server, authority } = this;
    const trust =
      authority === undefined
        ? // Without this client-node refuses a server without TLS.
          { 'insecure-skip-tls-verify': true }
        : { 'certificate-authority-data': Buffer.from(authority).toString('base64') };
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'fake', cluster: { server, ...trust } }],
      users: [{ name: 'test', user: { token: this.tokenOf(account) } }],
      contexts: [{ name: 'test', context: { cluster: 'fake', user: 'test' } }],
      'current-context': 'test',
    });
  }

  async writeKubeconfig(path: string, account: Account = ADMIN): Promise<void> {
    await writeFile(path, this.kubeconfig(account), { mode: 0o600 });
  }

  /** @param object with `kind`; its `apiVersion` is known */
  create(object: NewObject): KubernetesObject {
    return structuredClone(this.#store.create(this.#kind(object.kind ?? ''), object, 'all'));
  }

  /**
   * An object as a cluster may have it from before its kind had the schema of now, or that was made
   * under Kube-OVN's own: no value is checked.
   */
  createUnchecked(object: NewObject): KubernetesObject {
    return structuredClone(this.#store.createUnchecked(this.#kind(object.kind ?? ''), object));
  }

  get(kind: string, key: string): KubernetesObject {
    return structuredClone(this.#store.get(this.#kind(kind), key));
  }

  /** Resolves with an object as soon as it exists and is as `isReady` wants it. */
  until(
    kind: string,
    key: string,
    isReady: (object: KubernetesObject) => boolean,
  ): Promise<KubernetesObject> {
    const { promise, resolve } = Promise.withResolvers<KubernetesObject>();
    const wanted = this.#kind(kind);
    const look = () => {
      const object = this.#store.find(wanted, key);
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
    const wanted = this.#kind(kind);
    return this.#store.onEvent((event) => {
      if (event.kind === wanted) listener(structuredClone(event.after));
    });
  }

  list(kind: string, selection: Selection = {}): KubernetesObject[] {
    const isSelected = predicateOf(this.#kind(kind), selection);
    const objects = this.#store.all(this.#kind(kind)).map(([, object]) => object);
    return structuredClone(objects.filter(isSelected));
  }

  /** Replaces an object; refused as stale only where it has a `resourceVersion`. */
  update(object: NewObject): KubernetesObject {
    const { name = '', namespace } = (object.metadata ?? {}) as {
      name?: string;
      namespace?: string;
    };
    const key = keyOf({ name, namespace });
    return structuredClone(this.#store.replace(this.#kind(object.kind ?? ''), key, object, 'all'));
  }

  /** Applies a merge patch. */
  patch(kind: string, key: string, patch: object): KubernetesObject {
    return structuredClone(this.#store.patch(this.#kind(kind), key, patch, 'all'));
  }

  /**
   * What a DELETE does: an object with finalizers, and a pod on a node unless its grace period
   * is 0, is only marked with a `deletionTimestamp`.
   */
  delete(kind: string, key: string, options: DeleteOptions = {}): void {
    this.#store.delete(this.#kind(kind), key, options);
  }

  /** What the kubelet does when a pod's containers are gone: finalizers alone can keep it now. */
  finishDeletion(key: string): void {
    this.#store.delete(this.#kind('Pod'), key, { gracePeriodSeconds: 0 });
  }

  /** Forgets the history: watches from before get a 410, and so do lists half read. */
  compact(): void {
    this.#store.compact();
    this.#lists.compact();
  }

  /** Breaks all connections with a TCP reset. */
  resetConnections(): void {
    this.#listener.reset();
  }

  /**
   * Tells the clients of all HTTP/2 connections by GOAWAY to take another one, as a server does
   * that ends in order. Requests in flight are finished, watches too. See also
   * `faults.goAwayChance`.
   */
  goAway(): void {
    this.#listener.goAway();
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

  /** @throws Error for a kind that this server does not have */
  #kind(name: string): Kind {
    if (this.#without.has(name)) throw new Error(`this fake API server is without ${name}`);
    return kindNamed(name);
  }

  async #handle(http: HttpRequest, response: HttpResponse): Promise<void> {
    const url = new URL(http.url ?? '/', this.url);
    const path = url.pathname;
    const resource = resourceOf(path);
    const verb = verbOf(http.method ?? 'GET', url, resource);
    let isGone = false;
    response.once('close', () => {
      isGone = true;
    });
    const { httpVersion } = http;
    const query = Object.fromEntries(url.searchParams);
    const user = this.#userOf(http);
    this.requests.add({ verb, path, query, httpVersion, user });
    if (this.faults.takeGoAway()) this.#listener.goAwayFrom(http);
    await this.faults.audible();
    if (isGone) return;
    try {
      const status = this.faults.take({ verb, path, user });
      if (status !== undefined) throw injected(status);
      const account = this.#tokens.authenticate(http.headers.authorization);
      // Before anybody learns whether there is such a kind.
      if (resource !== undefined) admit(account, verb, resource);
      const reviewKind = resource && reviewKindOf(resource);
      if (resource !== undefined && reviewKind !== undefined) {
        const question = { verb, asked: resource };
        const review = answerReview(reviewKind, question, await readJson(http), this.#tokens);
        answer(response, 201, review);
        return;
      }
      const target = resource && targetOf(resource, this.#without);
      const request = understand(http, url, { verb, target });
      const backend = { store: this.#store, lists: this.#lists, watches: this.watches };
      await serve(request, response, backend);
    } catch (error) {
      const refusal = error instanceof ApiRefusal ? error : new ApiRefusal(500, String(error));
      // The real server gives up the connection of whom it does not know.
      if (refusal.code === 401) this.#listener.goAwayFrom(http);
      refuse(response, refusal);
    }
  }

  /** Who asks, for the books alone: it may be refused yet. */
  #userOf({ headers }: HttpRequest): string {
    try {
      return this.#tokens.authenticate(headers.authorization).user;
    } catch {
      return '';
    }
  }
}

/** Lets a request pass, and notes by which grants. @throws ApiRefusal 403 */
function admit(account: Account, verb: RequestVerb, resource: Resource): void {
  const attributes = attributesOf(verb, resource);
  if (isInstalled(account) && !isAllowed(account, attributes)) noteRefusal(account, attributes);
  authorize(account, attributes);
  noteUse(account, attributes);
}
