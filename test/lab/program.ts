/** A built program of this project as a child process, and its log. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { abortable, startDeadline } from '../../src/common/concurrency/deadline.ts';

/** For a start, on a machine as busy as may be: less than a test or a hook of vitest's may take. */
const START_MS_MAX = 90_000;
const DIST = resolve(import.meta.dirname, '../../dist');

export interface ProgramOptions {
  /** Without it the program takes what the kubelet gives every pod. */
  readonly kubeconfig?: string;
  readonly flags?: readonly string[];
  /** Variables beside the test's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Words in front of the program's: a program that runs it elsewhere, like nsenter(1). */
  readonly within?: readonly string[];
}

export class Program {
  readonly process: ChildProcess;
  /** Lines of its log. */
  readonly log: string[] = [];
  readonly #name: string;
  readonly #lines = new EventEmitter();

  protected constructor(name: string, child: ChildProcessByStdio<null, Readable, Readable>) {
    this.#name = name;
    this.process = child;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.log.push(line);
        this.#lines.emit('line', line);
      });
    }
  }

  /** Resolves when so many lines of the log hold `text`. */
  async logged(text: string, count = 1): Promise<void> {
    while (this.logLines(text).length < count) await once(this.#lines, 'line');
  }

  /** Lines of the log that hold `text`. */
  logLines(text: string): string[] {
    return this.log.filter((line) => line.includes(text));
  }

  /** Ends the program and waits until it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill(signal);
    await gone;
  }

  /**
   * Resolves with the first line of the log that holds `text`.
   * @throws Error with the log, where the program ends first or that takes too long
   */
  protected async becomes(text: string): Promise<void> {
    const ready = Promise.withResolvers<void>();
    this.#lines.on('line', (line: string) => {
      if (line.includes(text)) ready.resolve();
    });
    this.process.once('exit', (code) =>
      ready.reject(new Error(`the ${this.#name} ended with ${code}: ${this.log.join('\n')}`)),
    );
    using deadline = startDeadline(START_MS_MAX);
    await abortable(ready.promise, deadline.signal).catch((cause: Error) => {
      if (cause !== deadline.signal.reason) throw cause;
      throw new Error(`the ${this.#name} does not say "${text}": ${this.log.join('\n')}`, {
        cause,
      });
    });
  }
}

/**
 * Runs a file of dist/.
 * @param args in front of `options.flags`
 */
export function spawnBundle(
  bundle: string,
  args: readonly string[],
  { kubeconfig, flags = [], environment = {}, within = [] }: ProgramOptions,
): ChildProcessByStdio<null, Readable, Readable> {
  const path = `${DIST}/${bundle}`;
  const config = kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`];
  const [file = path, ...words] = [...within, path, ...config, ...args, ...flags];
  const env = { ...process.env, ...environment };
  return spawn(file, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}
