/**
 * The cluster's records of the NICs of this node's pods: IP objects, and the VirtualMachineInstances of
 * launchers. ADDs read them; beside that they are read once when a pod's allocation comes, where the
 * daemon's role does not let it follow IP objects, as in Kube-OVN's charts: an outage that begins after
 * that holds up no ADD of the pod.
 */
import pLimit from 'p-limit';
import type { KubernetesApi } from '../../common/kubernetes/api.ts';
import { KINDS, objectPath } from '../../common/kubernetes/path.ts';
import type { Change, WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { isDnsName, logicalSwitchPort } from '../../common/names.ts';
import { type Annotations, isAllocated } from '../model/annotation-keys.ts';
import { type Ip, projectIp } from '../model/ip.ts';
import { type Pod, podKey } from '../model/pod.ts';
import { isLauncherOf } from '../model/virtual-machine.ts';
import { KeptAnswers } from './kept-answers.ts';

/** Reads at once that no ADD waits for. */
const AT_ONCE = 4;
/** As many networks as a pod may have: what its author writes beyond that is not read. */
const NICS_MAX = 64;

/** Whose records are read, and what says whether IP objects may be followed. */
export interface NicRecordsOptions {
  readonly api: Pick<KubernetesApi, 'get'>;
  readonly pods: Pick<WatchCache<Pod>, 'get' | 'values' | 'onChange'>;
  readonly ips: Pick<WatchCache<Ip>, 'availability' | 'onAvailability'>;
}

/** The IP objects of the NICs of this node, followed where the role allows it, and else read. */
export class NicRecords {
  readonly ips: KeptAnswers<Ip>;
  /** UIDs of VirtualMachineInstances. */
  readonly machines: KeptAnswers<unknown>;
  readonly #options: NicRecordsOptions;
  readonly #limit = pLimit(AT_ONCE);
  readonly #stopped = new AbortController();

  constructor(options: NicRecordsOptions) {
    const { api, pods } = options;
    this.#options = options;
    const isKnown = ({ namespace, name, uid }: Pod) =>
      pods.get(podKey(namespace, name))?.uid === uid;
    this.ips = new KeptAnswers({ api, isKnown, project: projectIp });
    this.machines = new KeptAnswers({ api, isKnown, project: uidOf });
  }

  /** Reads ahead from now on. */
  start(): void {
    const { pods, ips } = this.#options;
    const { signal } = this.#stopped;
    const stops = [
      pods.onChange((change) => this.#follow(change)),
      ips.onAvailability(() => {
        for (const pod of pods.values()) this.#readAhead(pod, undefined);
      }),
    ];
    signal.addEventListener('abort', () => stops.forEach((stop) => void stop()));
  }

  stop(): void {
    this.#stopped.abort();
    this.#limit.clearQueue();
  }

  #follow({ type, value, previous }: Change<Pod>): void {
    if (type === 'deleted') {
      this.ips.forget(value);
      this.machines.forget(value);
    } else if (!value.deleting && !value.finished) this.#readAhead(value, previous);
  }

  /** Reads what is new in a pod's allocation; of a failure, the next ADD says what is wrong. */
  #readAhead(pod: Pod, previous: Pod | undefined): void {
    const isFollowed = this.#options.ips.availability.state !== 'forbidden';
    const prefixes = allocatedPrefixes(pod.annotations);
    const added = prefixes.filter((prefix) => isNewlyAllocated(prefix, pod, previous));
    const { signal } = this.#stopped;
    const ahead = (read: () => Promise<unknown>) => {
      this.#limit(() => (signal.aborted ? undefined : read())).catch(() => {});
    };
    for (const name of isFollowed ? [] : added.flatMap((prefix) => ipNameOf(pod, prefix))) {
      ahead(() => this.ips.read(pod, objectPath(KINDS.ips, name), signal));
    }
    if (pod.virtualMachine === undefined || added.length === 0) return;
    const path = machinePath(pod.namespace, pod.virtualMachine.name);
    ahead(() => this.machines.read(pod, path, signal));
  }
}

/** Path of a VirtualMachineInstance. */
export function machinePath(namespace: string, name: string): string {
  return objectPath(KINDS.virtualMachineInstances, name, namespace);
}

function uidOf(raw: unknown): unknown {
  return (raw as { metadata?: { uid?: unknown } }).metadata?.uid;
}

const KEY = /^(.+)\.kubernetes\.io\/(?:allocated|ip_address)$/;

/** What the keys of each NIC begin with that a pod says it has. */
function allocatedPrefixes(annotations: Annotations): string[] {
  const prefixes = new Set(Object.keys(annotations).flatMap((key) => KEY.exec(key)?.[1] ?? []));
  return [...prefixes].filter((prefix) => isAllocated(annotations, prefix)).slice(0, NICS_MAX);
}

/** True where a NIC has other addresses than before, or another workload. */
function isNewlyAllocated(prefix: string, pod: Pod, previous: Pod | undefined): boolean {
  if (previous === undefined || !isAllocated(previous.annotations, prefix)) return true;
  return ['ip_address', 'mac_address', 'virtualmachine'].some((name) => {
    const key = `${prefix}.kubernetes.io/${name}`;
    return pod.annotations[key] !== previous.annotations[key];
  });
}

/** None where the annotations make no name. */
function ipNameOf(pod: Pod, prefix: string): string[] {
  const machine = pod.annotations[`${prefix}.kubernetes.io/virtualmachine`] ?? '';
  const workload = isLauncherOf(pod, machine) ? machine : pod.name;
  // A prefix is a provider, with the interface's name behind it where NICs share a network.
  const name = logicalSwitchPort({ workload, namespace: pod.namespace, provider: prefix });
  return isDnsName(name) ? [name] : [];
}
