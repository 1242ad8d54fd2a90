/** The built daemon as a child process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

export const SOCKET = '/run/openvswitch/kube-ovn-daemon.sock';
const BUNDLE = resolve(import.meta.dirname, '../../dist/kube-ovn-cni.cjs');

export interface DaemonOptions {
  /** Without it the daemon takes what the kubelet gives every pod. */
  readonly kubeconfig?: string;
  readonly nodeName: string;
  readonly flags?: readonly string[];
  /** Variables beside the test's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Words in front of the daemon's: a program that runs it elsewhere, like nsenter(1). */
  readonly within?: readonly string[];
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
  static async start(options: DaemonOptions): Promise<Daemon> {
    const { kubeconfig, nodeName, flags = [], environment = {}, within = [] } = options;
    const config = kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`];
    const args = [...config, `--node-name=${nodeName}`, '--mtu=1400', ...flags];
    const env = { ...process.env, ...environment };
    const [file = BUNDLE, ...words] = [...within, BUNDLE, ...args];
    const child = spawn(file, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
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
