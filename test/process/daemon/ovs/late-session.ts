/** A session that learns late of what is in a database: what the server says takes a while to it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OvsSession } from '../../../../src/daemon/ovs/session.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';

/** Longer than ovs-vsctl takes to end; ms. */
const LATE_MS = 300;

export class LateSession implements AsyncDisposable {
  readonly ovs: OvsSession;
  readonly #folder = mkdtempSync(join(tmpdir(), 'late-'));
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(remote: string) {
    this.#server = createServer((client) => this.#join(client, remote.replace('unix:', '')));
    this.ovs = new OvsSession({ database: `unix:${this.#path}`, log: new RecordingLog() });
  }

  /** With the rows that there are. @param remote of the database, a unix socket */
  static async start(remote: string): Promise<LateSession> {
    const late = new LateSession(remote);
    await new Promise<void>((resolve) => late.#server.listen(late.#path, resolve));
    late.ovs.start();
    await late.ovs.fresh();
    return late;
  }

  get #path(): string {
    return join(this.#folder, 'db.sock');
  }

  #join(client: Socket, path: string): void {
    const server = connect(path);
    for (const socket of [client, server]) {
      this.#sockets.add(socket.on('error', () => {}));
    }
    client.pipe(server);
    // Timers of one length end in the order in which they began.
    server.on('data', (bytes) => setTimeout(() => client.write(bytes), LATE_MS));
    client.on('close', () => server.destroy());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ovs.stop();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
