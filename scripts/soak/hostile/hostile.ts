/** Hostile pods: each is one attack or two, starts as any pod does, changes, and goes. */
import { ApiRefusal } from '../../../test/lab/kubernetes/api.ts';
import { keyOf } from '../../../test/lab/kubernetes/object.ts';
import {
  bindPod,
  endPod,
  existingPod,
  identityOf,
  markPod,
  type PodIdentity,
} from '../../../test/lab/workloads.ts';
import type { Random } from '../random.ts';
import { ATTACKS, type Disguise, type View } from './attacks.ts';
import type { HostilePod, Population } from './population.ts';
import { NAMESPACES, type Stage } from './stage.ts';

/** An attack by a name that others trust. */
const NAMES = ['evil', 'evil', 'evil', 'machine', 'virt-launcher-machine', 'good-1'] as const;

export class HostilePods {
  readonly #stage: Stage;
  readonly #population: Population;
  /** Attacks that the API server refused. */
  refused = 0;

  constructor(stage: Stage, population: Population) {
    this.#stage = stage;
    this.#population = population;
  }

  /** A new one; its sandbox comes up, or is given up, meanwhile. */
  come(random: Random): void {
    const { api, node, tally } = this.#stage;
    const [attack, disguise] = this.#disguise(random);
    const metadata = {
      name: this.#population.name(random.pick(NAMES)),
      namespace: random.pick(NAMESPACES),
      ...disguise,
    };
    const spec = { containers: [{ name: 'main', image: 'none' }] };
    tally.step(attack, 0);
    try {
      const pod = identityOf(api.create({ kind: 'Pod', metadata, spec }));
      bindPod(api, pod, node.chassis);
      const hostile: HostilePod = { pod, started: Promise.resolve(), running: undefined };
      this.#population.hostile.push(hostile);
      this.#start(hostile);
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
      this.refused += 1;
    }
  }

  /** Writes another attack on one that may run, or takes away what it was given to say. */
  edit({ pod }: HostilePod, random: Random): void {
    const isRemoval = random.chance(0.3);
    const [attack, { annotations }] = isRemoval
      ? ['annotations taken away', { annotations: this.#removed(pod, random) }]
      : this.#disguise(random);
    this.#stage.tally.step(`${attack}, on a pod that exists`, 0);
    try {
      this.#stage.api.patch('Pod', keyOf(pod), { metadata: { annotations } });
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
      this.refused += 1;
    }
  }

  /** A new sandbox, with what the pod says by now. */
  async restart(hostile: HostilePod): Promise<void> {
    await hostile.started;
    await this.#stop(hostile);
    this.#start(hostile);
  }

  async go(hostile: HostilePod): Promise<void> {
    const { hostile: pods } = this.#population;
    pods.splice(pods.indexOf(hostile), 1);
    markPod(this.#stage.api, hostile.pod);
    await hostile.started;
    await this.#stop(hostile);
    endPod(this.#stage.api, hostile.pod);
  }

  /** A merge patch that removes some annotations of a pod, or all. */
  #removed(pod: PodIdentity, random: Random): Readonly<Record<string, null>> {
    const keys = Object.keys(existingPod(this.#stage.api, pod)?.metadata.annotations ?? {});
    const share = random.pick([0.3, 0.7, 1]);
    const removed = keys.filter(() => random.chance(share));
    return Object.fromEntries(removed.map((key) => [key, null]));
  }

  async #stop(hostile: HostilePod): Promise<void> {
    hostile.running = undefined;
    await this.#stage.kubelet.stop(hostile.pod);
  }

  #start(hostile: HostilePod): void {
    const { api, kubelet } = this.#stage;
    const up = kubelet.start(hostile.pod).then(
      (running) => {
        hostile.running = running;
      },
      // It got nothing, which is no finding.
      () => {},
    );
    hostile.started = up.then(() => {
      if (existingPod(api, hostile.pod) === undefined) hostile.running = undefined;
    });
  }

  #disguise(random: Random): readonly [string, Disguise] {
    const { api, machine } = this.#stage;
    const { name, uid = '' } = machine.metadata;
    const victims = this.#population.honest.flatMap(({ running: { pod } }) => {
      const annotations = existingPod(api, pod)?.metadata.annotations;
      return annotations === undefined ? [] : [{ name: pod.name, annotations }];
    });
    const view: View = { random, victims, machine: { name, uid } };
    const attack = random.pick(Object.keys(ATTACKS));
    const first = (ATTACKS[attack] as (view: View) => Disguise)(view);
    if (random.chance(0.6)) return [attack, first];
    const second = random.pick(Object.values(ATTACKS))(view);
    const annotations = { ...second.annotations, ...first.annotations };
    return [attack, { ...second, ...first, annotations }];
  }
}
