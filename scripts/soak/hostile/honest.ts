/** Honest pods: they come, must have their networks within seconds, and keep them. */

import { apply } from '../../../test/lab/kubectl.ts';
import type { RunningPod } from '../../../test/lab/kubelet.ts';
import { bindPod, identityOf, type PodIdentity } from '../../../test/lab/workloads.ts';
import { silentAddresses } from './echo.ts';
import { BOTH, NETWORKS } from './networks.ts';
import type { HonestPod, Population } from './population.ts';
import { MACHINE, type Stage } from './stage.ts';
import type { Verdict } from './verdict.ts';

/** What a hostile pod may cost an honest one, with all that an honest one takes anyway; ms. */
const DELAY_MS_MAX = 5000;
/** A kubelet goes on for ever; here it is a finding. */
const ATTEMPTS_MAX = 10;

export class HonestPods {
  readonly #stage: Stage;
  readonly #population: Population;
  readonly #verdict: Verdict;
  /** From its creation to its last interface, of the slowest without a fault meanwhile; ms. */
  slowestMs = 0;

  constructor(stage: Stage, population: Population, verdict: Verdict) {
    this.#stage = stage;
    this.#population = population;
    this.#verdict = verdict;
  }

  /** A new pod with a NIC of each network; it runs, or that is a finding. */
  async come(): Promise<void> {
    const hasMachine = this.#population.honest.some(({ workload }) => workload === MACHINE);
    const isLauncher = !hasMachine && this.#population.honest.length > 3;
    const startedMs = performance.now();
    const pod = this.#create(isLauncher);
    const running = await this.#start(pod);
    if (running === undefined) return;
    const ms = performance.now() - startedMs;
    this.#population.honest.push({ running, workload: isLauncher ? MACHINE : pod.name });
    if (this.#stage.faults.since(startedMs).size > 0) return;
    this.slowestMs = Math.max(this.slowestMs, ms);
    if (ms > DELAY_MS_MAX) this.#verdict.add('honest_delayed', `${pod.name}: ${Math.round(ms)} ms`);
  }

  /** Ends a pod in order. */
  async go(honest: HonestPod): Promise<void> {
    const { honest: pods } = this.#population;
    pods.splice(pods.indexOf(honest), 1);
    await this.#stage.kubelet.end(honest.running.pod);
  }

  /** Pings of the gateways and of another pod; silence without a fault is a finding. */
  async checkPod({ running }: HonestPod, peer: HonestPod | undefined): Promise<void> {
    const startedMs = performance.now();
    const targets = NETWORKS.flatMap(({ gateways, ifName }) => [
      ...gateways,
      ...(peer === undefined || peer.running === running ? [] : addressesOf(peer.running, ifName)),
    ]);
    const silent = await silentAddresses(running.sandbox, targets);
    if (silent.length === 0 || this.#stage.faults.since(startedMs).size > 0) return;
    const { name } = running.pod;
    this.#verdict.add('honest_cut_off', `${name} does not hear ${silent.join(', ')}`);
  }

  /** The launcher of the virtual machine has what KubeVirt writes, and nobody else could. */
  #create(isLauncher: boolean): PodIdentity {
    const { api, node, machine } = this.#stage;
    const { name: owner, uid } = machine.metadata;
    const reference = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance' };
    const pod = identityOf(
      apply(api, {
        kind: 'Pod',
        metadata: {
          name: this.#population.name(isLauncher ? 'virt-launcher-machine' : 'good'),
          annotations: { 'k8s.v1.cni.cncf.io/networks': BOTH },
          ...(isLauncher
            ? {
                labels: { 'kubevirt.io': 'virt-launcher' },
                ownerReferences: [{ ...reference, name: owner, uid, controller: true }],
              }
            : {}),
        },
        spec: { containers: [{ name: 'main', image: 'none' }] },
      }),
    );
    if (isLauncher) {
      const status = { activePods: { [pod.uid]: node.chassis } };
      api.patch('VirtualMachineInstance', `default/${MACHINE}`, { status });
    }
    bindPod(api, pod, node.chassis);
    return pod;
  }

  /** As kubelet does: a new sandbox after each one that failed. */
  async #start(pod: PodIdentity): Promise<RunningPod | undefined> {
    for (let attempts = 1; ; attempts += 1) {
      const startedMs = performance.now();
      try {
        return await this.#stage.kubelet.start(pod);
      } catch (error) {
        const isExcused = this.#stage.faults.since(startedMs).size > 0;
        const what = `${pod.name} did not start: ${(error as Error).message}`;
        if (!isExcused) this.#verdict.add('honest_delayed', what);
        if (attempts === ATTEMPTS_MAX || !isExcused) return undefined;
      }
    }
  }
}

/** What the result of an ADD says. */
function addressesOf({ interfaces }: RunningPod, ifName: string): string[] {
  const ips = interfaces.find(({ request }) => request.ifName === ifName)?.result.ips ?? [];
  return ips.map(({ address }) => address.replace(/\/.*/, ''));
}
