/**
 * Where the fake API server listens: HTTP/2 and HTTP/1.1 over TLS on one port of the loopback
 * interface, as ALPN has it, like the real server. Its connections can be broken, and told by
 * GOAWAY to end.
 */
import { once } from 'node:events';
import { createServer as createPlainServer } from 'node:http';
import {
  createSecureServer,
  Http2ServerRequest,
  type ServerHttp2Session,
  type Settings,
} from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import { identity } from './certificate.ts';

/**
 * `h2` is the real server's way: HTTP/2 for those who can, HTTP/1.1 for the others. `http/1.1` is
 * what a proxy in front may offer, and `plain` has no TLS either.
 */
export type Protocol = 'h2' | 'http/1.1' | 'plain';

/** A request, by whatever version of HTTP. */
export interface HttpRequest extends AsyncIterable<Buffer> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** An answer, by whatever version of HTTP. */
export interface HttpResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  flushHeaders(): void;
  write(text: string): unknown;
  end(text?: string): unknown;
  once(event: 'close', listener: () => void): unknown;
}

export type RequestHandler = (request: HttpRequest, response: HttpResponse) => void;

/** The real server's `--http2-max-streams-per-connection`. */
const STREAMS_PER_CONNECTION = 1000;

export interface ListenerOptions {
  readonly protocol: Protocol;
  /** Of HTTP/2: requests, watches among them, that a connection carries at a time. */
  readonly streamsPerConnection?: number | undefined;
}

export class Listener {
  readonly #protocol: Protocol;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  #port = 0;
  #connectionCount = 0;

  constructor({ protocol, streamsPerConnection }: ListenerOptions, onRequest: RequestHandler) {
    this.#protocol = protocol;
    const maxConcurrentStreams = streamsPerConnection ?? STREAMS_PER_CONNECTION;
    this.#server = createServer(protocol, { maxConcurrentStreams }, onRequest);
    this.#server.on('connection', (socket: Socket) => {
      this.#connectionCount += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      // A client that breaks its connection is no failure of this process.
      session.on('error', () => undefined).once('close', () => this.#sessions.delete(session));
    });
  }

  /** Listens; after a `close` again on the same port. */
  async listen(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Breaks all connections and listens no more. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.reset();
    await closed;
  }

  /** Like `https://127.0.0.1:12345`. */
  get url(): string {
    return `${this.#protocol === 'plain' ? 'http' : 'https'}://127.0.0.1:${this.#port}`;
  }

  /** What clients are to trust, PEM; undefined without TLS. */
  get authority(): string | undefined {
    return this.#protocol === 'plain' ? undefined : identity().certificate;
  }

  /** TCP connections that were accepted so far. */
  get connectionCount(): number {
    return this.#connectionCount;
  }

  /** The other ends of the TCP connections that are open: their ports. */
  get clientPorts(): number[] {
    return [...this.#sockets].flatMap(({ remotePort }) => remotePort ?? []);
  }

  /** TCP connections that are open. */
  get openConnectionCount(): number {
    return this.#sockets.size;
  }

  /** Breaks all connections with a TCP reset. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /**
   * Tells the clients of all HTTP/2 connections to take another one for their next requests. Those
   * in flight, watches too, go on to their ends; only then is a connection closed. What a client
   * sent and the server had not yet read is not done, and GOAWAY says so by its last stream.
   */
  goAway(): void {
    for (const session of this.#sessions) session.close();
  }

  /** The same for the connection that carries a request; one of HTTP/1.1 is not concerned. */
  goAwayFrom(request: HttpRequest): void {
    if (!(request instanceof Http2ServerRequest)) return;
    const { session } = request.stream;
    if (session !== undefined && !session.closed) session.close();
  }
}

function createServer(protocol: Protocol, settings: Settings, onRequest: RequestHandler): Server {
  if (protocol === 'plain') return createPlainServer(onRequest);
  const { key, certificate: cert } = identity();
  if (protocol === 'http/1.1') return createTlsServer({ key, cert }, onRequest);
  const server = createSecureServer({ key, cert, allowHTTP1: true, settings });
  server.on('request', onRequest);
  // A client that does not like our certificate, or goes away during the handshake.
  server.on('tlsClientError', () => undefined);
  return server as unknown as Server;
}
