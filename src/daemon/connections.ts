/**
 * Connections of the socket on which no whole request has come yet: a caller that died in the middle,
 * one that sends slowly or nothing at all, or one that keeps its connection for the next call. A
 * daemon that ends waits for calls, and for nothing else.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** The part of Fastify that is used. */
interface App {
  readonly server: Server;
  addHook(
    name: 'preValidation' | 'onResponse',
    hook: (request: { readonly raw: IncomingMessage }) => Promise<void>,
  ): unknown;
}

/** For a request's head, and for the whole of it; a local caller sends it at once; ms. */
const HEAD_MS_MAX = 10_000;
const REQUEST_MS_MAX = 20_000;
/** How often Node looks which connections have exceeded these; ms. */
const LOOKS_EVERY_MS = 2000;
/** Between two calls on one connection; ms. */
const IDLE_MS_MAX = 5000;
/** For requests that are half here when the daemon is to end; ms. */
const LAST_REQUESTS_MS_MAX = 1000;

/** Fastify's options for the limits of time. */
export const CONNECTION_LIMITS = {
  requestTimeout: REQUEST_MS_MAX,
  keepAliveTimeout: IDLE_MS_MAX,
  http: { headersTimeout: HEAD_MS_MAX, connectionsCheckingInterval: LOOKS_EVERY_MS },
} as const;

/** Follows the connections of one app, so that a daemon that ends closes those that serve no call. */
export class Connections {
  /** Those on which no whole request is being served. */
  readonly #idle = new Set<Socket>();
  #isEnding = false;
  #lastIsGone: (() => void) | undefined;

  /** @param app that does not listen yet */
  constructor(app: App) {
    app.server.on('connection', (socket: Socket) => {
      this.#idle.add(socket);
      socket.once('close', () => this.#remove(socket));
    });
    // Here the whole body has come.
    app.addHook('preValidation', async ({ raw }) => this.#remove(raw.socket));
    app.addHook('onResponse', async ({ raw: { socket } }) => {
      if (this.#isEnding) socket.destroySoon();
      else if (!socket.destroyed) this.#idle.add(socket);
    });
  }

  /**
   * Closes these connections, and each other one behind its answer. Requests that are half here have
   * a moment to come.
   */
  async end(): Promise<void> {
    this.#isEnding = true;
    if (this.#idle.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastIsGone = resolve;
    const timer = setTimeout(resolve, LAST_REQUESTS_MS_MAX);
    await promise;
    clearTimeout(timer);
    for (const socket of this.#idle) socket.destroy();
  }

  #remove(socket: Socket): void {
    this.#idle.delete(socket);
    if (this.#idle.size === 0) this.#lastIsGone?.();
  }
}
