/**
 * Real ovsdb-servers on loopback, with folders of their own: one alone, or a RAFT cluster.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { TlsFiles } from '../../src/common/ovsdb/remote.ts';

export const NB_SCHEMA = '/usr/share/ovn/ovn-nb.ovsschema';
const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;
const execute = promisify(execFile);

export class OvsdbServer implements AsyncDisposable {
  readonly folder: string;
  /** Its Unix socket, as a remote. */
  readonly remote: string;
  #server: ChildProcess | undefined;

  private constructor(folder: string) {
    this.folder = folder;
    this.remote = `unix:${join(folder, 'db.sock')}`;
  }

  /** One alone, with an empty database. */
  static async start(schema = NB_SCHEMA): Promise<OvsdbServer> {
    const server = await OvsdbServer.create();
    await execute('ovsdb-tool', ['create', server.#file, schema]);
    await server.run();
    return server;
  }

  /** A folder without a database. */
  static async create(): Promise<OvsdbServer> {
    return new OvsdbServer(await mkdtemp(join(tmpdir(), 'ovsdb-')));
  }

  /** Makes the database of a member of a cluster. @param joins where another member is */
  async createMember(schema: string, name: string, address: string, joins?: string): Promise<void> {
    const words =
      joins === undefined
        ? ['create-cluster', this.#file, schema, address]
        : ['join-cluster', this.#file, name, address, joins];
    await execute('ovsdb-tool', words);
  }

  /** Starts the server. @param options further ones of ovsdb-server(1) */
  async run(options: readonly string[] = []): Promise<void> {
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
    const lines = createInterface({ input: server.stderr });
    await Promise.race([
      once(lines, 'line'),
      once(server, 'exit').then(() => Promise.reject(new Error('ovsdb-server has ended'))),
    ]);
  }

  /** Ends the server, if it runs. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const server = this.#server;
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    // A stopped process takes SIGKILL at once; going on before, it would still answer.
    if (signal !== 'SIGKILL') server.kill('SIGCONT');
    server.kill(signal);
    await ended;
  }

  /** Stops it without ending it, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#server?.kill(signal);
  }

  /** Listens on a port of loopback too. @returns the remote */
  async listen(kind: 'tcp' | 'ssl' = 'tcp'): Promise<string> {
    const port = await freePort();
    await this.tell('ovsdb-server/add-remote', `p${kind}:${port}:127.0.0.1`);
    return `${kind}:127.0.0.1:${port}`;
  }

  /** ovs-appctl(8). */
  async tell(...words: readonly string[]): Promise<string> {
    return (await execute('ovs-appctl', ['-t', this.#control, ...words])).stdout;
  }

  /** A transaction by somebody else. @returns what the server answered */
  async transact(...operations: readonly object[]): Promise<unknown> {
    const words = JSON.stringify(['OVN_Northbound', ...operations]);
    return JSON.parse((await execute('ovsdb-client', ['transact', this.remote, words])).stdout);
  }

  /**
   * Adds rows to the database while the server does not run, as one record of its file (ovsdb(5),
   * "Standalone Database Format"): very many rows come much faster so than by transactions.
   * @param tables rows by UUID, by table
   */
  async seed(tables: Readonly<Record<string, Readonly<Record<string, object>>>>): Promise<void> {
    const record = `${JSON.stringify(tables)}\n`;
    const hash = createHash('sha1').update(record).digest('hex');
    await appendFile(this.#file, `OVSDB JSON ${Buffer.byteLength(record)} ${hash}\n${record}`);
  }

  /** A transaction while the server does not run. */
  async transactOffline(...operations: readonly object[]): Promise<void> {
    const words = JSON.stringify(['OVN_Northbound', ...operations]);
    await execute('ovsdb-tool', ['transact', this.#file, words]);
  }

  /** ovn-nbctl as a person uses it. */
  async nbctl(...words: readonly string[]): Promise<string> {
    const options = { maxBuffer: OUTPUT_BYTES_MAX };
    return (await execute('ovn-nbctl', [`--db=${this.remote}`, ...words], options)).stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
    await rm(this.folder, { recursive: true });
  }

  get #control(): string {
    return join(this.folder, 'control');
  }

  get #file(): string {
    return join(this.folder, 'db');
  }
}

/** A RAFT cluster of three on loopback. */
export class OvsdbCluster implements AsyncDisposable {
  readonly members: readonly OvsdbServer[];
  /** Remotes of all members, comma-separated. */
  readonly remotes: string;

  private constructor(members: readonly OvsdbServer[]) {
    this.members = members;
    this.remotes = members.map(({ remote }) => remote).join(',');
  }

  static async start(database = 'OVN_Northbound', schema = NB_SCHEMA): Promise<OvsdbCluster> {
    const members: OvsdbServer[] = [];
    let first: string | undefined;
    for (let number = 1; number <= 3; number += 1) {
      const member = await OvsdbServer.create();
      const address = `tcp:127.0.0.1:${await freePort()}`;
      await member.createMember(schema, database, address, first);
      first ??= address;
      await member.run();
      await execute('ovsdb-client', ['--timeout=30', 'wait', member.remote, database, 'connected']);
      members.push(member);
    }
    return new OvsdbCluster(members);
  }

  /** The member that leads. */
  async leader(): Promise<OvsdbServer> {
    for (const member of this.members) {
      const status = await member.tell('cluster/status', 'OVN_Northbound').catch(() => '');
      if (status.includes('Role: leader')) return member;
    }
    throw new Error('no member leads');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.members) await member[Symbol.asyncDispose]();
  }
}

/** A key with a certificate that it has signed itself, in files of that folder. */
export async function createTls(folder: string, name = 'tls'): Promise<TlsFiles> {
  const [privateKey, certificate] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  await execute('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-days', '1'],
    ...['-keyout', privateKey, '-out', certificate],
  ]);
  return { privateKey, certificate, caCertificate: certificate };
}

/** A port of loopback that nothing listened on just now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
