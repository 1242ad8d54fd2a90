/**
 * The servers of one program for the kubelet, Prometheus and people: one for each address, each tried
 * again until it listens, and with a certificate that is renewed where it speaks HTTPS.
 */
import type { RequestListener, Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import { hostname } from 'node:os';
import { untilDone } from '../concurrency/retry.ts';
import { errorFields, type Logger } from '../log.ts';
import { closeHealth, listenForHealth } from './health-server.ts';
import { makeSelfSigned, type SelfSigned } from './self-signed.ts';
import type { TlsSettings } from './tls-settings.ts';

/** Where the servers of a program listen, and what their certificate says. */
export interface HealthServersOptions {
  readonly port: number;
  /** Empty for all addresses of the host. */
  readonly addresses: readonly string[];
  /** HTTPS with it, by a certificate of the program's own. */
  readonly tls?: TlsSettings;
  readonly commonName: string;
  readonly log: Logger;
}

const DAY_MS = 24 * 3600 * 1000;
/** A certificate lasts a year, as Kube-OVN's does, and is replaced a month before its end; ms. */
const VALID_MS = 365 * DAY_MS;
const RENEW_AFTER_MS = VALID_MS - 30 * DAY_MS;
/** Clocks differ; ms. */
const SKEW_MS = 3600 * 1000;

/** The servers of one program; they listen from when they are made until `stop`. */
export class HealthServers {
  readonly #options: HealthServersOptions;
  readonly #servers = new Set<Server>();
  readonly #ending = new AbortController();
  #certificate: SelfSigned | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #lastFailure = '';

  /**
   * Begins to listen. A port that is taken, by a daemon that is just ending, say, or an address that
   * the host does not have yet is tried again: it keeps the program from nothing else.
   */
  constructor(handler: RequestListener, options: HealthServersOptions) {
    this.#options = options;
    const addresses = options.addresses.length === 0 ? [undefined] : options.addresses;
    void this.#start(handler, addresses).catch((error: unknown) => {
      if (!this.#ending.signal.aborted) throw error;
    });
  }

  /** Those that listen. */
  get servers(): readonly Server[] {
    return [...this.#servers];
  }

  /** Ends all servers and attempts to listen; resolves when no connection is left. */
  async stop(): Promise<void> {
    this.#ending.abort(new Error('the servers are stopped'));
    clearInterval(this.#renewal);
    await Promise.all([...this.#servers].map(closeHealth));
  }

  async #start(
    handler: RequestListener,
    addresses: readonly (string | undefined)[],
  ): Promise<void> {
    if (this.#options.tls !== undefined) {
      this.#certificate = await this.#makeCertificate();
      this.#renewDaily();
    }
    await Promise.all(addresses.map((address) => this.#listen(handler, address)));
  }

  async #listen(handler: RequestListener, address: string | undefined): Promise<void> {
    const { port, tls, log } = this.#options;
    const where = address === undefined ? `port ${port}` : `port ${port} of ${address}`;
    const server = await untilDone(
      `cannot answer probes on ${where}`,
      () =>
        listenForHealth(handler, {
          port,
          ...(address === undefined ? {} : { address }),
          ...(tls === undefined ? {} : { tls: { ...tls, ...this.#certificate } }),
          onError: (error) => this.#failed(where, error),
        }),
      log,
      this.#ending.signal,
    );
    this.#servers.add(server);
    if (this.#ending.signal.aborted) await closeHealth(server);
  }

  /** One line for each reason in a row: each caller may meet it. */
  #failed(where: string, error: Error): void {
    const line = `cannot take a connection on ${where}: ${error.message}`;
    if (line !== this.#lastFailure) this.#options.log.warn({}, line);
    this.#lastFailure = line;
  }

  #makeCertificate(): Promise<SelfSigned> {
    const { commonName, addresses } = this.#options;
    const now = Date.now();
    return makeSelfSigned({
      commonName,
      hosts: ['localhost', hostname(), '127.0.0.1', '::1', ...addresses],
      notBefore: new Date(now - SKEW_MS),
      notAfter: new Date(now + VALID_MS),
    });
  }

  /** A timer of Node's reaches no further than 24 days. */
  #renewDaily(): void {
    let madeAt = Date.now();
    const renew = async () => {
      if (Date.now() - madeAt < RENEW_AFTER_MS) return;
      this.#certificate = await this.#makeCertificate();
      madeAt = Date.now();
      for (const server of this.#servers) {
        if (server instanceof TlsServer) {
          server.setSecureContext({ ...this.#options.tls, ...this.#certificate });
        }
      }
    };
    const { log } = this.#options;
    this.#renewal = setInterval(() => {
      renew().catch((error: unknown) =>
        log.error(errorFields(error), 'cannot renew the certificate'),
      );
    }, DAY_MS).unref();
  }
}
