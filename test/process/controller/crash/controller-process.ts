/**
 * Controllers as processes of their own, run from source, that contend for the Lease of an API
 * server, which is a fake. None of them has OVN: all networks are other plugins'.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTROLLER, type FakeApiServer } from '../../../lab/kubernetes/api.ts';
import type { RecordedRequest } from '../../../lab/kubernetes/requests.ts';
import { Program } from '../../../lab/program.ts';

const MAIN = join(import.meta.dirname, '../../../../src/controller/main.ts');
const READS = ['get', 'list', 'watch'];

/** Another one leads soon after a controller was killed, and none loses it for a busy machine. */
const FLAGS = [
  '--non-primary-cni-mode=true',
  '--probe-port=0',
  '--leader-elect-lease-duration=10s',
  '--leader-elect-renew-deadline=8s',
  '--leader-elect-retry-period=300ms',
];

export class ControllerProcess extends Program {
  /** One more; it waits until it leads. */
  static begin(kubeconfig: string, podName: string): ControllerProcess {
    const child = spawn(process.execPath, [MAIN, `--kubeconfig=${kubeconfig}`, ...FLAGS], {
      env: { ...process.env, POD_NAME: podName, POD_NAMESPACE: 'kube-system' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ControllerProcess('controller', child);
  }

  /** Resolves when it stands by, and would lead if nobody else did. */
  async standsBy(): Promise<void> {
    await this.#says('standing by');
  }

  /** Resolves when it leads and knows all objects. */
  async leads(): Promise<void> {
    await this.#says('all objects are followed');
  }

  /** @throws Error where it ends first */
  async #says(text: string): Promise<void> {
    const end = this.ended().then((code) => {
      throw new Error(`the controller ended with ${code}: ${this.log.join('\n')}`);
    });
    await Promise.race([this.logged(text), end]);
  }

  /** Resolves with its exit code when it has ended by itself. */
  async ended(): Promise<number | null> {
    const { exitCode, signalCode } = this.process;
    if (exitCode === null && signalCode === null) await once(this.process, 'exit');
    return this.process.exitCode;
  }
}

/** Starts processes, and ends those that are left. */
export class ControllerProcesses implements AsyncDisposable {
  readonly #api: FakeApiServer;
  readonly #folder: string;
  readonly #all: ControllerProcess[] = [];

  private constructor(api: FakeApiServer, folder: string) {
    this.#api = api;
    this.#folder = folder;
  }

  static async of(api: FakeApiServer): Promise<ControllerProcesses> {
    const folder = await mkdtemp(join(tmpdir(), 'controllers-'));
    await api.writeKubeconfig(join(folder, 'config'), CONTROLLER);
    return new ControllerProcesses(api, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#all) each.process.kill('SIGCONT');
    await Promise.all(this.#all.map((each) => each.stop('SIGKILL')));
    await rm(this.#folder, { recursive: true });
  }

  begin(): ControllerProcess {
    const name = `kube-ovn-controller-${this.#all.length}`;
    const begun = ControllerProcess.begin(join(this.#folder, 'config'), name);
    this.#all.push(begun);
    return begun;
  }

  /** What was written so far, but for the Lease and events. */
  writes(): RecordedRequest[] {
    return this.#api.requests.all.filter(isObjectWrite);
  }

  /** Resolves when so many of these have arrived. */
  async written(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = count - this.writes().length;
    if (left <= 0) return;
    const stop = this.#api.requests.onArrival((request) => {
      if (isObjectWrite(request)) left -= 1;
      if (left === 0) resolve();
    });
    await promise;
    stop();
  }
}

function isObjectWrite({ verb, path }: RecordedRequest): boolean {
  return !READS.includes(verb) && !/\/(events|leases)(\/|$)/.test(path);
}
