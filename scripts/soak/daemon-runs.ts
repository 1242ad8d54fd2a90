/** The daemon through all its restarts: kills, ordered ends, and the logs of all generations. */
import { once } from 'node:events';
import { KeyedLock } from '../../src/common/concurrency/keyed-lock.ts';
import { Daemon } from '../../test/lab/daemon.ts';
import type { FaultRecord } from './fault-record.ts';
import type { Journal } from './journal.ts';
import type { Tally } from './tally.ts';

export const KUBECONFIG = '/run/kube/config';
const PROGRAM = 'kube-ovn-cni';
/** An ADD that waits in vain must not hold up a pod for the default of 110 s. */
const FLAGS = ['--add-timeout-seconds=20'];

/** What happens while no daemon runs. */
export type Meanwhile = () => Promise<void>;

export class DaemonRuns {
  readonly #options: { nodeName: string; faults: FaultRecord; journal: Journal; tally: Tally };
  readonly #generations: Daemon[] = [];
  /** One restart at a time. */
  readonly #turn = new KeyedLock();

  constructor(options: { nodeName: string; faults: FaultRecord; journal: Journal; tally: Tally }) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const daemon = await Daemon.start(this.#daemonOptions());
    this.#generations.push(daemon);
    this.#options.journal.noteAll(`daemon ${daemon.process.pid} is ready`);
  }

  /** Of the daemon that runs. */
  get pid(): number {
    return this.#generations.at(-1)?.process.pid ?? 0;
  }

  kill(meanwhile: Meanwhile): Promise<void> {
    return this.#restart('SIGKILL', meanwhile);
  }

  /** As a Meanwhile: starts one that is killed after so many ms, mostly before it is ready. */
  async startInVain(killedAfterMs: number): Promise<void> {
    const { journal, tally } = this.#options;
    const within = ['timeout', '--foreground', '--signal=KILL', `${killedAfterMs / 1000}`];
    const daemon = await Daemon.start({ ...this.#daemonOptions(), within }).catch(() => undefined);
    if (daemon !== undefined) await ended(daemon);
    tally.kill(PROGRAM);
    journal.noteAll(`a daemon was killed ${killedAfterMs} ms after its start`);
  }

  /** Ends it in order, calls in flight included, and starts the next one. */
  restart(meanwhile: Meanwhile): Promise<void> {
    return this.#restart('SIGTERM', meanwhile);
  }

  async stop(): Promise<void> {
    await this.#generations.at(-1)?.stop();
  }

  /** How often the logs tell of something that was removed or mended unasked, or of an error. */
  remarkable(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const line of this.#generations.flatMap(({ log }) => log)) {
      const { level, proof, msg } = parseLine(line);
      const isRemarkable = level >= ERROR || proof !== undefined || /recorded/.test(msg);
      // What follows a colon is different each time.
      const [what = ''] = msg.split(': ');
      if (isRemarkable) counts.set(what, (counts.get(what) ?? 0) + 1);
    }
    return counts;
  }

  /** Lines of all logs that warn of more than one call. */
  warnings(): string[] {
    const lines = this.#generations.flatMap(({ log }) => log);
    return lines.filter((line) => parseLine(line).level > INFO && !line.includes('containerId'));
  }

  /** Lines of all logs that hold `text`. */
  logLines(text: string): string[] {
    return this.#generations.flatMap((daemon) => daemon.logLines(text));
  }

  #daemonOptions() {
    return { kubeconfig: KUBECONFIG, nodeName: this.#options.nodeName, flags: FLAGS };
  }

  async #restart(signal: 'SIGKILL' | 'SIGTERM', meanwhile: Meanwhile): Promise<void> {
    const { faults, journal, tally } = this.#options;
    await this.#turn.run(PROGRAM, async () => {
      using _fault = faults.begin(PROGRAM);
      journal.noteAll(`${signal} to daemon ${this.pid}`);
      if (signal === 'SIGKILL') tally.kill(PROGRAM);
      else tally.fault('daemon ended in order');
      await this.#generations.at(-1)?.stop(signal);
      await meanwhile();
      await this.start();
    });
  }
}

async function ended({ process }: Daemon): Promise<void> {
  if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
}

/** Pino's numbers. */
const INFO = 30;
const ERROR = 50;

/** A line of the log; what is no JSON, like a stack of node's, counts as an error. */
function parseLine(line: string): { level: number; proof?: unknown; msg: string } {
  try {
    return JSON.parse(line);
  } catch {
    return { level: ERROR, msg: line };
  }
}
