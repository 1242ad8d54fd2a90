/**
 * A real Open_vSwitch database of its own: ovsdb-server on a temporary directory. Nothing acts
 * on what is written there.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createVsctl, type Vsctl } from '../../../../src/daemon/ovs/vsctl.ts';

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';
const execute = promisify(execFile);

export class OvsDatabase implements AsyncDisposable {
  /** An OVSDB remote. */
  readonly remote: string;
  readonly vsctl: Vsctl;
  readonly #directory: string;
  #server: ChildProcess | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
    this.remote = `unix:${join(directory, 'db.sock')}`;
    this.vsctl = createVsctl(this.remote);
  }

  /** With the integration bridge in it. */
  static async start(): Promise<OvsDatabase> {
    const database = new OvsDatabase(await mkdtemp(join(tmpdir(), 'ovsdb-')));
    await execute('ovsdb-tool', ['create', database.#file, SCHEMA]);
    await database.startServer();
    await database.vsctl(['--', 'init', '--', 'add-br', 'br-int']);
    return database;
  }

  async startServer(): Promise<void> {
    // It dies with us: a test run may be killed.
    const words = [
      ...['--pdeathsig', 'KILL', 'ovsdb-server', this.#file],
      `--remote=p${this.remote}`,
      `--unixctl=${join(this.#directory, 'control')}`,
      '-vconsole:info',
    ];
    const server = spawn('setpriv', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#server = server;
    // Its first line says that it listens.
    const lines = createInterface({ input: server.stderr });
    await Promise.race([
      once(lines, 'line'),
      once(server, 'exit').then(() => Promise.reject(new Error('ovsdb-server has ended'))),
    ]);
  }

  async stopServer(): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill();
    await ended;
  }

  /** One value of a row, as OVSDB's JSON has it. */
  async rows(table: string, ...columns: string[]): Promise<unknown[][]> {
    const output = await this.vsctl(['--', `--columns=${columns.join(',')}`, 'list', table]);
    return (JSON.parse(output) as { data: unknown[][] }).data;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopServer();
    await rm(this.#directory, { recursive: true });
  }

  get #file(): string {
    return join(this.#directory, 'conf.db');
  }
}
