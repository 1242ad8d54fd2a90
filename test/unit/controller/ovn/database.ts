/**
 * A real northbound database of its own: ovsdb-server on a temporary directory. Nothing acts on
 * what is written there.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Plan } from '../../../../src/controller/ovn/draft.ts';
import {
  createNbctl,
  type Nbctl,
  type NbctlOptions,
} from '../../../../src/controller/ovn/nbctl.ts';
import { type NbState, readState } from '../../../../src/controller/ovn/state.ts';

const SCHEMA = '/usr/share/ovn/ovn-nb.ovsschema';
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const execute = promisify(execFile);

type Tls = NonNullable<NbctlOptions['tls']>;

export class NbDatabase implements AsyncDisposable {
  /** An OVSDB remote. */
  readonly remote: string;
  readonly nbctl: Nbctl;
  readonly #directory: string;
  #server: ChildProcess | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
    this.remote = `unix:${join(directory, 'nb.sock')}`;
    this.nbctl = createNbctl({ database: this.remote });
  }

  static async start(): Promise<NbDatabase> {
    const database = new NbDatabase(await mkdtemp(join(tmpdir(), 'ovnnb-')));
    await execute('ovsdb-tool', ['create', database.#file, SCHEMA]);
    await database.startServer();
    return database;
  }

  /** @param options further ones of ovsdb-server */
  async startServer(options: readonly string[] = []): Promise<void> {
    // It dies with us: a test run may be killed.
    const words = [
      ...['--pdeathsig', 'KILL', 'ovsdb-server', this.#file],
      `--remote=p${this.remote}`,
      `--unixctl=${this.#control}`,
      '-vconsole:info',
      ...options,
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

  /** Listens with TLS on a port of the kernel's choice, and returns the remote. */
  async listenWithTls(tls: Tls): Promise<string> {
    await this.stopServer();
    const files = [`--private-key=${tls.privateKey}`, `--certificate=${tls.certificate}`];
    await this.startServer([...files, `--ca-cert=${tls.caCertificate}`]);
    const tell = (...words: string[]) => execute('ovs-appctl', ['-t', this.#control, ...words]);
    const port = await freePort();
    await tell('ovsdb-server/add-remote', `pssl:${port}:127.0.0.1`);
    return `ssl:127.0.0.1:${port}`;
  }

  /** A key with a certificate that it has signed itself. */
  async createTls(): Promise<Tls> {
    const [privateKey, certificate] = ['key.pem', 'cert.pem'].map((name) =>
      join(this.#directory, name),
    ) as [string, string];
    const subject = ['-subj', '/CN=northbound', '-days', '1'];
    const files = ['-keyout', privateKey, '-out', certificate];
    await execute('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      ...subject,
      ...files,
    ]);
    return { privateKey, certificate, caCertificate: certificate };
  }

  /** ovn-nbctl as a person uses it. */
  async by(...words: string[]): Promise<string> {
    const args = [`--db=${this.remote}`, ...words];
    return (await execute('ovn-nbctl', args, { maxBuffer: OUTPUT_BYTES_MAX })).stdout.trim();
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
    await this.stopServer();
    await rm(this.#directory, { recursive: true });
  }

  get #control(): string {
    return join(this.#directory, 'control');
  }

  get #file(): string {
    return join(this.#directory, 'nb.db');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
