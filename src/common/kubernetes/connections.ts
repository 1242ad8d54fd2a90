/**
 * Connections to the API server: used again, and given up when nothing is heard on them.
 *
 * client-node 2.0.1 makes a new undici Agent, and with it a new TCP connection and TLS
 * handshake, for every single request. We put our own function in the place of its private
 * `createDispatcher`, so that one Agent serves for as long as the options it is made of stay
 * the same. client-node reads certificate files again for every request, so a new client
 * certificate or CA is a change of these options and leads to a new Agent. Tokens are headers:
 * they are no part of the Agent, and change without one.
 *
 * A connection whose other end is gone without a word (a load balancer that failed over, a
 * control-plane node that lost its power) looks like a quiet one. So it is asked:
 *
 * - HTTP/2, which every API server speaks: PING each `pingEveryMs`. undici sends it and has no
 *   limit for the answer; we end a socket on which nothing arrives for `silenceMs`. The answer comes
 *   from the far end of TLS, so that it also tells of load balancers that keep a dead connection.
 * - HTTP/1.1: probes of TCP, after ten seconds and then ten of them one second apart (libuv). They
 *   are answered by a load balancer in between; that is why watches are short there, see limits.ts.
 */
import { AssertionError } from 'node:assert';
import { EventEmitter } from 'node:events';
import type { AgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import {
  type Cluster,
  type DispatcherOptions,
  HttpMethod,
  KubeConfig,
  RequestContext,
} from '@kubernetes/client-node';
import { Agent, buildConnector, type Dispatcher, getGlobalDispatcher } from 'undici';

type CreateDispatcher = (cluster: Cluster | null, options: AgentOptions) => Dispatcher | undefined;

/** How connections are supervised. */
export interface ConnectionLimits {
  /** TCP and TLS; ms. */
  readonly connectMs: number;
  readonly pingEveryMs: number;
  /** Nothing was heard for so long, not even the answer to a PING: the connection is dead; ms. */
  readonly silenceMs: number;
}

/** How both programs supervise their connections: with three PINGs in a row without an answer, one is dead. */
export const defaultConnectionLimits: ConnectionLimits = {
  connectMs: 10_000,
  pingEveryMs: 5_000,
  silenceMs: 15_000,
};

/**
 * A connection was given up. After a GOAWAY undici asks no more, so that one on which a watch has
 * nothing to say ends so, too: whoever can goes on over another one, and nothing is wrong.
 */
class SilentConnection extends Error {
  constructor(silenceMs: number) {
    super(`the connection is dead: no answer to PING within ${silenceMs} ms`);
    this.name = 'SilentConnection';
  }
}

/** Depth to which causes are followed. */
const CAUSES_MAX = 5;

/** True where something failed since its connection was given up. */
export function isSilentConnection(thrown: unknown): boolean {
  let cause = thrown;
  for (let depth = 0; depth < CAUSES_MAX && cause instanceof Error; depth++) {
    if (cause instanceof SilentConnection) return true;
    cause = cause.cause;
  }
  return false;
}

const KEEP_ALIVE_DELAY_MS = 10_000;
/** An API server keeps a connection without requests for 90 s or longer. */
const IDLE_MS = 30_000;

/**
 * For so long requests go by the same token and certificates: client-node reads files and compares
 * certificates for each, which costs as much as sending it; ms.
 */
const AUTHENTICATED_MS = 20;

/** What a request is sent by, and as whom. */
export interface Authentication {
  readonly dispatcher: Dispatcher;
  readonly headers: Readonly<Record<string, string>>;
}

/** A KubeConfig with connections of its own. */
export interface KeptConnections {
  /** Every request that takes its dispatcher from here goes over the kept connections. */
  readonly config: KubeConfig;
  /** True where the connection that was opened last is asked whether it is alive (HTTP/2). */
  readonly isSupervised: boolean;
  /** The connections of now, and what says who asks. @throws what client-node throws */
  authenticate(): Promise<Authentication>;
  /** The server does not know who asks: the next request reads again what says it. */
  refused(): void;
  /**
   * The next request goes over a new connection; those in flight are finished on the old one.
   * @param dispatcher of the request that failed: a newer one is not given up for it
   */
  abandon(dispatcher: Dispatcher | undefined): void;
  /** The same for the connection that the next request would go over. */
  renew(): void;
  /** Ends every request at once, also those that wait for an answer, and lets none begin. */
  destroy(): void;
}

/**
 * Copies `source`, which stays as it is, and keeps the copy's connections. Authenticators that
 * were added to `source` by hand are not copied.
 * @throws Error when client-node has no `createDispatcher` any more
 */
export function keepConnections(
  source: KubeConfig,
  limits: ConnectionLimits = defaultConnectionLimits,
): KeptConnections {
  const { clusters, users, contexts, currentContext } = source;
  const config = new KubeConfig();
  config.loadFromOptions({ clusters, users, contexts, currentContext });
  const create: unknown = Reflect.get(config, 'createDispatcher');
  if (typeof create !== 'function') {
    throw new Error('this version of @kubernetes/client-node has no KubeConfig.createDispatcher');
  }
  const cache = new DispatcherCache(config, create.bind(config) as CreateDispatcher, limits);
  Object.assign(config, { createDispatcher: cache.create });
  return {
    config,
    authenticate: () => cache.authenticate(),
    refused: () => cache.refused(),
    get isSupervised() {
      return cache.isSupervised;
    },
    abandon: (dispatcher) => cache.abandon(dispatcher),
    renew: () => cache.renew(),
    destroy: () => cache.destroy(),
  };
}

class DispatcherCache {
  readonly #config: KubeConfig;
  readonly #create: CreateDispatcher;
  readonly #limits: ConnectionLimits;
  /** The latest one, and older ones on which requests are still running. */
  readonly #open = new Set<Dispatcher>();
  #latest: { options: DispatcherOptions; dispatcher: Dispatcher | undefined } | undefined;
  #isDestroyed = false;
  #authenticated: { atMs: number; outcome: Promise<Authentication> } | undefined;
  isSupervised = false;

  constructor(config: KubeConfig, create: CreateDispatcher, limits: ConnectionLimits) {
    this.#config = config;
    this.#create = create;
    this.#limits = limits;
  }

  readonly create: CreateDispatcher = (cluster, agentOptions) => {
    if (this.#isDestroyed) throw new Error('the connections to the API server are closed');
    const options = this.#config.createDispatcherOptions(cluster, agentOptions);
    if (this.#latest !== undefined && isDeepStrictEqual(this.#latest.options, options)) {
      return this.#latest.dispatcher;
    }
    this.abandon(this.#latest?.dispatcher);
    const dispatcher = this.#toDispatcher(options) ?? this.#create(cluster, agentOptions);
    if (dispatcher !== undefined) this.#open.add(dispatcher);
    this.#latest = { options, dispatcher };
    return dispatcher;
  };

  authenticate(): Promise<Authentication> {
    const atMs = performance.now();
    const known = this.#authenticated;
    if (known !== undefined && atMs - known.atMs < AUTHENTICATED_MS) return known.outcome;
    const outcome = this.#authenticate();
    this.#authenticated = { atMs, outcome };
    return outcome;
  }

  refused(): void {
    this.#authenticated = undefined;
  }

  async #authenticate(): Promise<Authentication> {
    const server = this.#config.getCurrentCluster()?.server ?? '';
    const context = new RequestContext(server, HttpMethod.GET);
    await this.#config.applySecurityAuthentication(context);
    // Undefined where client-node leaves it to undici.
    const dispatcher = context.getDispatcher() ?? getGlobalDispatcher();
    return { dispatcher, headers: context.getHeaders() };
  }

  abandon(dispatcher: Dispatcher | undefined): void {
    if (dispatcher === undefined || this.#latest?.dispatcher !== dispatcher) return;
    this.#latest = undefined;
    this.#authenticated = undefined;
    // Requests in flight are finished first: a watch ends within its timeoutSeconds.
    void this.#finish(dispatcher.close(), dispatcher);
  }

  renew(): void {
    this.abandon(this.#latest?.dispatcher);
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#authenticated = undefined;
    for (const dispatcher of this.#open) void this.#finish(dispatcher.destroy(), dispatcher);
  }

  /** Undefined for connections through a proxy, which are client-node's. */
  #toDispatcher(options: DispatcherOptions): Dispatcher | undefined {
    if (options.type !== 'agent' && options.type !== 'none') return undefined;
    const { connectMs, pingEveryMs } = this.#limits;
    const tls = options.type === 'agent' ? options.connect : {};
    const connect = buildConnector({
      ...(tls as buildConnector.BuildOptions),
      allowH2: true,
      preferH2: true,
      timeout: connectMs,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    });
    return new Agent({
      connect: (target, callback) => {
        connect(target, (...answer) => {
          const [error, socket] = answer;
          if (error === null) this.#opened(socket);
          callback(...answer);
        });
      },
      allowH2: true,
      h2Options: { pingInterval: pingEveryMs },
      keepAliveTimeout: IDLE_MS,
      // Whoever asks has a deadline; a watch is silent for as long as nothing changes.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  #opened(socket: Socket): void {
    this.isSupervised = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2';
    if (!this.isSupervised) return;
    endWhenSilent(socket, this.#limits.silenceMs);
    superviseEvents(socket, () => this.#isDestroyed);
  }

  async #finish(closing: Promise<void>, dispatcher: Dispatcher): Promise<void> {
    // A dispatcher that is destroyed while it closes rejects, and is gone either way.
    await closing.catch(() => undefined);
    this.#open.delete(dispatcher);
  }
}

/** For answers that have arrived and are not read yet; ms. */
const END_DELAY_MS = 100;

/**
 * Two things that undici 8.12 does with the socket of an HTTP/2 session:
 *
 * - It destroys the session as soon as its socket ends, and with it the answers that have arrived and
 *   are not read yet: those before a server that has said GOAWAY closes the connection.
 * - Where connections are destroyed while requests with a body are in flight, it puts these back in
 *   line when the socket closes, and then asserts that nothing is in line, when the socket has closed
 *   and again when the session has: nobody could catch that.
 *
 * @param isOver true once connections are destroyed
 */
function superviseEvents(socket: Socket, isOver: () => boolean): void {
  guardClose(socket, isOver);
  const emit = emitOf(socket);
  const delayed: Emit = (event, ...values) => {
    if (event !== 'end') return emit(event, ...values);
    setTimeout(() => emit(event, ...values), END_DELAY_MS);
    return true;
  };
  Object.assign(socket, { emit: delayed });
  // undici makes the session as soon as it has the socket.
  setImmediate(() => {
    const session = sessionOf(socket);
    if (session !== undefined) guardClose(session, isOver);
  });
}

type Emit = (event: string | symbol, ...values: unknown[]) => boolean;

function emitOf(emitter: EventEmitter): Emit {
  return emitter.emit.bind(emitter);
}

/** Has `close` be emitted without undici's assertions, once connections are destroyed. */
function guardClose(emitter: EventEmitter, isOver: () => boolean): void {
  const emit = emitOf(emitter);
  const guarded: Emit = (event, ...values) => {
    if (event !== 'close') return emit(event, ...values);
    try {
      return emit(event, ...values);
    } catch (error) {
      if (isOver() && error instanceof AssertionError) return true;
      throw error;
    }
  };
  Object.assign(emitter, { emit: guarded });
}

/** The HTTP/2 session of a socket, as undici keeps it there. */
function sessionOf(socket: Socket): EventEmitter | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'http2Session',
  );
  const session: unknown = key && (socket as unknown as Record<symbol, unknown>)[key];
  return session instanceof EventEmitter ? session : undefined;
}

/** Ends a connection on which nothing arrives, though it is asked all the time. */
function endWhenSilent(socket: Socket, silenceMs: number): void {
  const lookEveryMs = silenceMs / 6;
  let bytesRead = socket.bytesRead;
  let heardAt = performance.now();
  let lookedAt = heardAt;
  const timer = setInterval(() => {
    const now = performance.now();
    // Where this process did not run for a while, what has arrived meanwhile is not read yet.
    const isLate = now - lookedAt > 2 * lookEveryMs;
    lookedAt = now;
    if (isLate || socket.bytesRead !== bytesRead) {
      bytesRead = socket.bytesRead;
      heardAt = now;
      return;
    }
    if (now - heardAt < silenceMs) return;
    clearInterval(timer);
    socket.destroy(new SilentConnection(silenceMs));
  }, lookEveryMs).unref();
  socket.once('close', () => clearInterval(timer));
}
