/** Packets that a link of the node carries, as tcpdump(8) shows them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** Longer than packets take that do come; s. */
const TIMEOUT_S = 20;

export class Tcpdump {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];

  private constructor(process: ChildProcess) {
    this.#process = process;
    createInterface({ input: process.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      this.#lines.push(line);
    });
  }

  /** Resolves when it listens; it ends with the first `count` packets that `filter` lets through. */
  static async start(link: string, count: number, filter: string): Promise<Tcpdump> {
    const tcpdump = ['tcpdump', '-n', '-l', '-i', link, '-c', `${count}`, filter];
    const child = spawn('timeout', [`${TIMEOUT_S}`, ...tcpdump], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const dump = new Tcpdump(child);
    for await (const line of createInterface({ input: child.stderr })) {
      if (line.startsWith('listening on')) return dump;
    }
    throw new Error(`tcpdump does not listen on ${link}`);
  }

  /** Ends it, with what has come so far. */
  end(): void {
    this.#process.kill();
  }

  /** A line for each packet: all of them, or those that came in time. */
  async packets(): Promise<string[]> {
    if (this.#process.exitCode === null) await once(this.#process, 'close');
    // It ends one that a signal ends.
    return this.#lines.filter((line) => line !== '');
  }
}
