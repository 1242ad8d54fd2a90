/**
 * A pod of the agent's DaemonSet of Kube-OVN's charts as a kubelet runs it on a lab node: its init
 * containers one after another, its container, its probes, its end; with nothing but what is rendered.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentContainer } from './agent-container.ts';
import { type ChartContainer, type ChartPod, type PodPlace, variablesOf } from './chart-pods.ts';
import { command, type Outcome } from './command.ts';
import type { ImageRoot } from './image-root.ts';

export interface ProbeAnswer {
  readonly status: number;
  readonly text: string;
}

export class ChartAgent {
  readonly #image: ImageRoot;
  readonly #pod: ChartPod;
  readonly #place: PodPlace;

  constructor(image: ImageRoot, pod: ChartPod, place: PodPlace) {
    this.#image = image;
    this.#pod = pod;
    this.#place = place;
  }

  /** The container cni-server. */
  get container(): ChartContainer {
    const [container] = this.#pod.containers;
    if (container === undefined) throw new Error('the pod has no container');
    return container;
  }

  /** Makes the folders that are mounted and that the lab's image has not: for all pods of a test. */
  static async prepare(image: ImageRoot): Promise<void> {
    // `chmod` of an init container is not to reach the machine's folder.
    await command('mount', ['-t', 'tmpfs', 'tmpfs', join(image.root, 'usr/local/sbin')]);
    await mkdir(join(image.root, 'var/log/kube-ovn'), { recursive: true });
    // By which iptables is found in Debian.
    const alternatives = join(image.root, 'etc/alternatives');
    await mkdir(alternatives);
    await command('mount', ['--bind', '/etc/alternatives', alternatives]);
  }

  /** Runs the init containers in their order. @throws Error where one fails */
  async initialise(): Promise<Readonly<Record<string, Outcome>>> {
    const outcomes: Record<string, Outcome> = {};
    for (const container of this.#pod.init) {
      const { name, command: words = [], args = [] } = container;
      const environment = variablesOf(container, this.#place);
      const outcome = await this.#image.run([...words, ...args], { environment });
      if (outcome.exitCode !== 0) {
        throw new Error(
          `${name} ended with ${outcome.exitCode}: ${outcome.stdout}${outcome.stderr}`,
        );
      }
      outcomes[name] = outcome;
    }
    return outcomes;
  }

  /** Starts the container, and resolves when it takes calls. */
  async start(): Promise<AgentContainer> {
    const { command: words = [], args = [] } = this.container;
    return await AgentContainer.start(this.#image, {
      command: words,
      flags: args,
      environment: variablesOf(this.container, this.#place),
    });
  }

  /** Runs another command of the image with the environment of the container. */
  async exec(words: readonly string[]): Promise<Outcome> {
    const environment = variablesOf(this.container, this.#place);
    return await this.#image.run(words, { environment });
  }

  /** What the kubelet is answered; undefined where nobody listens. */
  async probe(kind: 'readinessProbe' | 'livenessProbe'): Promise<ProbeAnswer | undefined> {
    const probe = this.container[kind];
    if (probe === undefined) throw new Error(`the chart has no ${kind}`);
    const { path, port, scheme = 'HTTP' } = probe.httpGet;
    const url = `${scheme.toLowerCase()}://${this.#place.nodeAddress}:${port}${path}`;
    const response = await fetch(url).catch(() => undefined);
    return response && { status: response.status, text: await response.text() };
  }
}
