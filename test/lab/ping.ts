/** A pod that pings all the time, and tells which of its echoes were lost. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Sandbox } from './runtime.ts';

/** Between two echoes where nothing else is said; ms. */
const INTERVAL_MS = 50;

export class Ping {
  readonly #process: ChildProcess;
  readonly #received = new Set<number>();

  private constructor(process: ChildProcess) {
    this.#process = process;
    createInterface({ input: process.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const sequence = /icmp_seq=(\d+) ttl=/.exec(line)?.[1];
      if (sequence !== undefined) this.#received.add(Number(sequence));
    });
  }

  /** Resolves when the first answer is there. */
  static async start({ netns }: Sandbox, address: string, intervalMs = INTERVAL_MS): Promise<Ping> {
    const words = [`--net=${netns}`, 'ping', '-n', '-i', `${intervalMs / 1000}`, address];
    const child = spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ping = new Ping(child);
    await once(child.stdout, 'data');
    return ping;
  }

  /** Ends it. What was sent after the last answer does not count: it may still be on its way. */
  async stop(): Promise<{ answered: number; lost: number[] }> {
    const closed = once(this.#process, 'close');
    this.#process.kill('SIGINT');
    await closed;
    const last = Math.max(...this.#received);
    const sent = Array.from({ length: last }, (_, index) => index + 1);
    const lost = sent.filter((sequence) => !this.#received.has(sequence));
    return { answered: this.#received.size, lost };
  }
}
