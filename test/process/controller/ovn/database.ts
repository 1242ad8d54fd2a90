/** A real northbound database of a test's own, which nothing acts on, and plans that are run on it. */
import { onTestFinished } from 'vitest';
import type { TlsFiles } from '../../../../src/common/ovsdb/remote.ts';
import type { Planner } from '../../../../src/controller/ovn/northbound.ts';
import {
  type OpenNorthbound,
  type OpenOptions,
  openNorthbound,
} from '../../../../src/controller/ovn/open.ts';
import type { NbState } from '../../../../src/controller/ovn/state.ts';
import type { Plan } from '../../../../src/controller/ovn/transaction-builder.ts';
import { createTls, NB_SCHEMA, OvsdbServer } from '../../../lab/ovsdb-server.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';

/** A database of the test's own. */
export async function startDatabase(schema = NB_SCHEMA): Promise<NbDatabase> {
  const database = await NbDatabase.start(schema);
  onTestFinished(() => database[Symbol.asyncDispose]());
  return database;
}

/** Opens a database, until the test has finished. */
export function open(
  database: string,
  options: Partial<OpenOptions> & { tls?: TlsFiles } = {},
): OpenNorthbound {
  const { tls, ...more } = options;
  const northbound = openNorthbound({
    address: { database, ...(tls && { tls }) },
    log: new RecordingLog(),
    signal: new AbortController().signal,
    ...more,
  });
  onTestFinished(() => northbound.close());
  return northbound;
}

export class NbDatabase implements AsyncDisposable {
  /** An OVSDB remote. */
  readonly remote: string;
  /** A session of its own, as a controller has it. */
  readonly northbound: OpenNorthbound;
  readonly server: OvsdbServer;

  private constructor(server: OvsdbServer) {
    this.server = server;
    this.remote = server.remote;
    this.northbound = openNorthbound({
      address: { database: this.remote },
      log: new RecordingLog(),
      signal: new AbortController().signal,
    });
  }

  static async start(schema = NB_SCHEMA): Promise<NbDatabase> {
    return new NbDatabase(await OvsdbServer.start(schema));
  }

  startServer(): Promise<void> {
    return this.server.run();
  }

  stopServer(): Promise<void> {
    return this.server.end();
  }

  /** Listens with TLS on a port of the kernel's choice, and returns the remote. */
  async listenWithTls(tls: TlsFiles): Promise<string> {
    await this.stopServer();
    const files = [`--private-key=${tls.privateKey}`, `--certificate=${tls.certificate}`];
    await this.server.run([...files, `--ca-cert=${tls.caCertificate}`]);
    return this.server.listen('ssl');
  }

  /** A key with a certificate that it has signed itself. */
  createTls(): Promise<TlsFiles> {
    return createTls(this.server.folder);
  }

  /** ovn-nbctl as a person uses it. */
  by(...words: string[]): Promise<string> {
    return this.server.nbctl(...words);
  }

  /** What the database holds now; it goes on to change with the database. */
  async read(): Promise<NbState> {
    await this.northbound.ready();
    await this.northbound.barrier();
    return this.northbound.state;
  }

  /** Plans from what the database holds now, carries it out, and returns the plan. */
  async apply(plan: Planner): Promise<Plan> {
    await this.read();
    return this.northbound.apply(plan);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.northbound.close();
    await this.server[Symbol.asyncDispose]();
  }
}
