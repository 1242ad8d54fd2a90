/** Plays users and kube-ovn-controller: pods come, get their addresses, and go. */
import type { Sandbox } from '../../test/lab/runtime.ts';
import { type Nic, nicsOf } from './networks.ts';
import type { Slot } from './pods.ts';
import type { Random } from './random.ts';
import type { Stage } from './stage.ts';

/** A pod without addresses. */
export function createPod(
  { cluster, networks }: Stage,
  slot: Slot,
  random: Random,
): Sandbox['pod'] {
  slot.generation += 1;
  const suffix = slot.keepsName ? '' : `-${slot.generation}`;
  slot.nics = nicsOf(networks, slot.place, random);
  slot.pod = cluster.createPod(`pod-${slot.place}${suffix}`);
  return slot.pod;
}

/** Logical switch ports and annotations for all of a pod's interfaces. */
export async function allocate(
  { cluster }: Stage,
  pod: Sandbox['pod'],
  nics: readonly Nic[],
): Promise<void> {
  for (const { plan } of nics) await cluster.allocate(pod, plan);
}

/** Marks a pod as being deleted; it goes by `removePod`. */
export function startDeletion({ api }: Stage, { namespace, name }: Sandbox['pod']): void {
  api.delete('Pod', `${namespace}/${name}`);
}

/** Takes a slot's pod away, and what was allocated to it. */
export async function removePod({ cluster }: Stage, slot: Slot): Promise<void> {
  const { pod, nics } = slot;
  if (pod === undefined) return;
  slot.pod = undefined;
  await cluster.deletePod(
    pod,
    nics.map(({ plan }) => plan),
  );
}

/** Sets annotations of one interface, by their names: `{ ingress_rate: '10' }`; null removes one. */
export function annotate(
  { cluster }: Stage,
  pod: Sandbox['pod'],
  { plan }: Nic,
  values: Readonly<Record<string, string | null>>,
): void {
  const prefix = plan.ifName === undefined ? plan.provider : `${plan.provider}.${plan.ifName}`;
  const entries = Object.entries(values).map(([name, value]) => [
    `${prefix}.kubernetes.io/${name}`,
    value,
  ]);
  cluster.annotate(pod, Object.fromEntries(entries));
}
