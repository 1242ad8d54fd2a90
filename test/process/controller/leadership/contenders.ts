/**
 * Three controllers as processes of their own, each over a line of its own to one API server
 * (a fake), that are killed, stopped and cut off; and the truth to compare them with: who held the Lease
 * when, as the server has it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTROLLER, FakeApiServer } from '../../../lab/kubernetes/api.ts';
import { TcpLine } from '../../../lab/tcp-line.ts';
import { shortTimes } from './support.ts';

const PROGRAM = join(import.meta.dirname, 'contender-program.ts');
const NAMES = ['a', 'b', 'c'];

interface Holding {
  /** ns. */
  readonly from: bigint;
  /** Empty for nobody. */
  readonly holder: string;
}

/** A time at which a process believed that it led. */
export interface Belief {
  readonly at: bigint;
  readonly holder: string;
}

export class Contenders implements AsyncDisposable {
  readonly server: FakeApiServer;
  readonly #folder: string;
  readonly #lines = new Map<string, TcpLine>();
  readonly #processes = new Map<string, ChildProcess>();
  readonly #holdings: Holding[] = [];
  #isOver = false;
  #startCount = 0;

  private constructor(server: FakeApiServer, folder: string) {
    this.server = server;
    this.#folder = folder;
    server.onChange('Lease', (lease) => {
      const holder = String(lease?.spec?.holderIdentity ?? '');
      if (this.#holdings.at(-1)?.holder === holder) return;
      this.#holdings.push({ from: process.hrtime.bigint(), holder });
    });
  }

  static async start(): Promise<Contenders> {
    const server = await FakeApiServer.start();
    const folder = await mkdtemp(join(tmpdir(), 'contenders-'));
    const contenders = new Contenders(server, folder);
    for (const name of NAMES) {
      const line = await TcpLine.start(server.url);
      contenders.#lines.set(name, line);
      const config = server.kubeconfig(CONTROLLER).replaceAll(server.url, line.url);
      await writeFile(join(folder, `${name}.config`), config);
      contenders.#spawn(name);
    }
    return contenders;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    for (const line of this.#lines.values()) await line[Symbol.asyncDispose]();
    await this.server.close();
    await rm(this.#folder, { recursive: true });
  }

  /** Who has the Lease, and the process that belongs to it. */
  get leader(): string {
    const [, name = ''] = String(this.#holdings.at(-1)?.holder ?? '').split('/');
    return name;
  }

  /** Another one than that. */
  otherThan(name: string): string {
    return NAMES.find((other) => other !== name) ?? '';
  }

  line(name: string): TcpLine {
    return this.#lines.get(name) as TcpLine;
  }

  /** To the process of that name; one that ends is started again. */
  signal(name: string, signal: NodeJS.Signals): void {
    this.#processes.get(name)?.kill(signal);
  }

  /** Resolves when somebody renews the Lease, or takes it. */
  async untilLed(): Promise<void> {
    const renewals = Promise.withResolvers<void>();
    let count = 0;
    const stop = this.server.onChange('Lease', (lease) => {
      if (lease?.spec?.holderIdentity !== undefined) count += 1;
      if (count > 2) renewals.resolve();
    });
    await renewals.promise;
    stop();
  }

  /** Ends all processes, and tells what they believed. */
  async beliefs(): Promise<Belief[]> {
    await this.#end();
    const beliefs: Belief[] = [];
    for (const file of await readdir(this.#folder)) {
      if (!file.endsWith('.beliefs')) continue;
      let holder = '';
      for (const line of (await readFile(join(this.#folder, file), 'utf8')).split('\n')) {
        if (line.startsWith('holder ')) holder = line.slice('holder '.length);
        else if (line !== '') beliefs.push({ at: BigInt(line), holder });
      }
    }
    return beliefs;
  }

  /** Who had the Lease at that time. */
  holderAt(time: bigint): string {
    return this.#holdings.findLast(({ from }) => from <= time)?.holder ?? '';
  }

  #spawn(name: string): void {
    this.#startCount += 1;
    const beliefs = join(this.#folder, `${name}.${this.#startCount}.beliefs`);
    const config = join(this.#folder, `${name}.config`);
    const child = spawn(
      process.execPath,
      [PROGRAM, config, name, JSON.stringify(shortTimes), beliefs],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    this.#processes.set(name, child);
    child.once('exit', () => {
      if (!this.#isOver) this.#spawn(name);
    });
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    const running = [...this.#processes.values()].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const exits = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(exits);
  }
}
