/** A real northbound database of a test's own, which nothing acts on, and plans that are run on it. */
import { onTestFinished } from 'vitest';
import type { TlsFiles } from '../../../../src/common/ovsdb/remote.ts';
import type { Plan } from '../../../../src/controller/ovn/draft.ts';
import { createNbctl, type Nbctl } from '../../../../src/controller/ovn/nbctl.ts';
import { type NbState, readState } from '../../../../src/controller/ovn/state.ts';
import { createTls, OvsdbServer } from '../../../lab/ovsdb-server.ts';

/** A database of the test's own. */
export async function startDatabase(): Promise<NbDatabase> {
  const database = await NbDatabase.start();
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database;
}

export class NbDatabase implements AsyncDisposable {
  /** An OVSDB remote. */
  readonly remote: string;
  readonly nbctl: Nbctl;
  readonly #server: OvsdbServer;

  private constructor(server: OvsdbServer) {
    this.#server = server;
    this.remote = server.remote;
    this.nbctl = createNbctl({ database: this.remote });
  }

  static async start(): Promise<NbDatabase> {
    return new NbDatabase(await OvsdbServer.start());
  }

  startServer(): Promise<void> {
    return this.#server.run();
  }

  stopServer(): Promise<void> {
    return this.#server.end();
  }

  /** Listens with TLS on a port of the kernel's choice, and returns the remote. */
  async listenWithTls(tls: TlsFiles): Promise<string> {
    await this.stopServer();
    const files = [`--private-key=${tls.privateKey}`, `--certificate=${tls.certificate}`];
    await this.#server.run([...files, `--ca-cert=${tls.caCertificate}`]);
    return this.#server.listen('ssl');
  }

  /** A key with a certificate that it has signed itself. */
  createTls(): Promise<TlsFiles> {
    return createTls(this.#server.folder);
  }

  /** ovn-nbctl as a person uses it. */
  by(...words: string[]): Promise<string> {
    return this.#server.nbctl(...words);
  }

  read(): Promise<NbState> {
    return readState(this.nbctl);
  }

  /** Plans, runs what comes of it, and returns the plan. */
  async bring(plan: (state: NbState) => Plan): Promise<Plan> {
    const planned = plan(await this.read());
    for (const transaction of planned.transactions) await this.nbctl(transaction);
    return planned;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
