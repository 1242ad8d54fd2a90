/** A real Open_vSwitch database of a test's own, which nothing acts on. */
import { OvsSession } from '../../../../src/daemon/ovs/session.ts';
import { createVsctl, type Vsctl } from '../../../../src/daemon/ovs/vsctl.ts';
import { OvsdbServer } from '../../../lab/ovsdb-server.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';

export class OvsDatabase implements AsyncDisposable {
  /** An OVSDB remote. */
  readonly remote: string;
  readonly vsctl: Vsctl;
  /** Follows it. */
  readonly ovs: OvsSession;
  readonly #server: OvsdbServer;

  private constructor(server: OvsdbServer) {
    this.#server = server;
    this.remote = server.remote;
    this.vsctl = createVsctl(this.remote);
    this.ovs = new OvsSession({ database: this.remote, log: new RecordingLog() });
  }

  /** With the integration bridge in it. */
  static async start(): Promise<OvsDatabase> {
    const database = new OvsDatabase(await OvsdbServer.start(SCHEMA));
    await database.vsctl(['--', 'init', '--', 'add-br', 'br-int']);
    database.ovs.start();
    return database;
  }

  startServer(): Promise<void> {
    return this.#server.run();
  }

  /** Stops it without ending it, or lets it go on. */
  pauseServer(stopped: boolean): void {
    this.#server.signal(stopped ? 'SIGSTOP' : 'SIGCONT');
  }

  stopServer(): Promise<void> {
    return this.#server.end();
  }

  /** One value of a row, as OVSDB's JSON has it. */
  async rows(table: string, ...columns: string[]): Promise<unknown[][]> {
    const output = await this.vsctl(['--', `--columns=${columns.join(',')}`, 'list', table]);
    return (JSON.parse(output) as { data: unknown[][] }).data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ovs.stop();
    await this.#server[Symbol.asyncDispose]();
  }
}
