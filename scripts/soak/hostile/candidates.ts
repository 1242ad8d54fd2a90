/** Two controllers of which one leads, through kills and through pauses longer than their Lease. */
import { once } from 'node:events';
import { Controller } from '../../../test/lab/controller.ts';

export const CONTROLLER_KUBECONFIG = '/run/kube/controller-config';

/** Long enough for a busy machine, and short enough for many changes of the leader in one run. */
const FLAGS = [
  '--leader-elect-lease-duration=12s',
  '--leader-elect-renew-deadline=9s',
  '--leader-elect-retry-period=500ms',
  '--non-primary-cni-mode=true',
];

export class Candidates {
  #leader: Controller;
  #standby: Controller;
  #count = 2;

  private constructor(leader: Controller, standby: Controller) {
    this.#leader = leader;
    this.#standby = standby;
  }

  static async start(): Promise<Candidates> {
    const leader = await Controller.start(options(1));
    return new Candidates(leader, await Controller.standBy(options(2)));
  }

  /** SIGKILL for the leader; returns when the other one leads and a new one stands by. */
  async killLeader(meanwhile: () => Promise<void>): Promise<void> {
    await this.#leader.stop('SIGKILL');
    await meanwhile();
    await this.#replaceSandbox();
  }

  /** Stops the leader until another one leads, and lets it go on: it must notice, and end. */
  async pauseLeader(meanwhile: () => Promise<void>): Promise<void> {
    const paused = this.#leader.process;
    const ended = once(paused, 'exit');
    paused.kill('SIGSTOP');
    await meanwhile();
    await this.#standby.logged('all objects are followed');
    paused.kill('SIGCONT');
    await ended;
    await this.#replaceSandbox();
  }

  /** Whether both processes run. */
  get areRunning(): boolean {
    return [this.#leader, this.#standby].every(
      ({ process }) => process.exitCode === null && process.signalCode === null,
    );
  }

  /** Lines of the logs of both that hold the text. */
  logLines(text: string): readonly string[] {
    return [this.#standby, this.#leader].flatMap((one) => one.logLines(text));
  }

  /** The last lines of the leader's log. */
  get logTail(): readonly string[] {
    return this.#leader.log.slice(-20);
  }

  async stop(): Promise<void> {
    await this.#standby.stop();
    await this.#leader.stop();
  }

  async #replaceSandbox(): Promise<void> {
    await this.#standby.logged('all objects are followed');
    this.#leader = this.#standby;
    this.#count += 1;
    this.#standby = await Controller.standBy(options(this.#count));
  }
}

function options(number: number) {
  return {
    kubeconfig: CONTROLLER_KUBECONFIG,
    flags: FLAGS,
    podName: `kube-ovn-controller-${number}`,
  };
}
