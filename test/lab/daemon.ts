/** The built daemon as a child process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

export const SOCKET = '/run/openvswitch/kube-ovn-daemon.sock';
const BUNDLE = resolve(import.meta.dirname, '../../dist/kube-ovn-cni.cjs');

export interface DaemonOptions {
  readonly kubeconfig: string;
  readonly nodeName: string;
  readonly flags?: readonly string[];
}

export class Daemon {
  readonly process: ChildProcess;
  /** Lines of its log. */
  readonly log: string[] = [];
  readonly #lines = new EventEmitter();

  private constructor(child: ChildProcess) {
    this.process = child;
  }

  /** Starts the daemon and waits until it takes calls. */
  static async start({ kubeconfig, nodeName, flags = [] }: DaemonOptions): Promise<Daemon> {
    const args = [`--kubeconfig=${kubeconfig}`, `--node-name=${nodeName}`, '--mtu=1400', ...flags];
    const child = spawn(BUNDLE, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const daemon = new Daemon(child);
    const ready = Promise.withResolvers<void>();
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        daemon.log.push(line);
        daemon.#lines.emit('line');
        if (line.includes('ready for CNI calls')) ready.resolve();
      });
    }
    child.once('exit', (code) =>
      ready.reject(new Error(`the daemon ended with ${code}: ${daemon.log.join('\n')}`)),
    );
    await ready.promise;
    return daemon;
  }

  /** Resolves when so many lines of the log hold `text`. */
  async logged(text: string, count = 1): Promise<void> {
    while (this.logLines(text).length < count) await once(this.#lines, 'line');
  }

  /** Lines of the log that hold `text`. */
  logLines(text: string): string[] {
    return this.log.filter((line) => line.includes(text));
  }

  /** Ends the daemon and waits until it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, 'exit');
    this.process.kill(signal);
    await gone;
  }
}
