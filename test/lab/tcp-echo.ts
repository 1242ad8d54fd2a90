/** One TCP connection between two pods that stays open: what goes in at one end comes back. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Sandbox } from './runtime.ts';

const PORT = 7777;
/** Both are given the server's address. */
const SERVER = `require('net').createServer((one) => one.pipe(one))
  .listen(${PORT}, process.argv[1], () => console.log('listening'))`;
const CLIENT = `const socket = require('net').connect(${PORT}, process.argv[1]);
  process.stdin.pipe(socket).pipe(process.stdout);
  socket.on('close', () => process.exit(1))`;

export class TcpEcho implements Disposable {
  readonly #server: ChildProcess;
  readonly #client: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(server: ChildProcess, client: ChildProcess) {
    this.#server = server;
    this.#client = client;
    this.#answers = linesOf(client);
  }

  /** Resolves when the server listens at `address`; the client begins to connect. */
  static async start(client: Sandbox, server: Sandbox, address: string): Promise<TcpEcho> {
    const listener = startIn(server, SERVER, address);
    await linesOf(listener).next();
    return new TcpEcho(listener, startIn(client, CLIENT, address));
  }

  /** Sends a line and returns the one that comes back; undefined where the connection has ended. */
  async echo(line: string): Promise<string | undefined> {
    this.#client.stdin?.write(`${line}\n`);
    const { value, done } = await this.#answers.next();
    return done ? undefined : value;
  }

  [Symbol.dispose](): void {
    for (const child of [this.#client, this.#server]) child.kill('SIGKILL');
  }
}

function startIn({ netns }: Sandbox, script: string, address: string): ChildProcess {
  const words = [`--net=${netns}`, process.execPath, '-e', script, address];
  return spawn('nsenter', words, { stdio: ['pipe', 'pipe', 'inherit'] });
}

function linesOf({ stdout }: ChildProcess): AsyncIterator<string> {
  return createInterface({ input: stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
}
