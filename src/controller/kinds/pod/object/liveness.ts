/**
 * Whether a pod still needs its addresses. Pure; the rules are Kube-OVN's, but for one: a node that is
 * there ends its pods itself, however long that takes, and has a deleted pod's object removed only when
 * its sandbox has ended. Time alone frees addresses on nodes that may be lost.
 */

import type { Address } from '../../../../common/address.ts';
import { contains } from '../../../../common/address.ts';
import { annotationKey } from '../../../model/annotation-key.ts';
import type { Node } from '../../node/object/node.ts';
import type { StatefulSet } from '../../stateful-set/object/stateful-set.ts';
import type { Subnet } from '../../subnet/object/subnet.ts';
import { type Pod, type PodEnd, podIndex, type StatefulSetRef } from './pod.ts';

/** Nodes by name. */
export interface NodeView {
  get(name: string): Pick<Node, 'isReady'> | undefined;
}

/**
 * True as long as a pod runs or will run: a completed one has no use for its addresses, and a
 * deleted one none once its time is up, unless its node is there and has not ended it.
 */
export function isAlive(pod: Pod, nowMs: number, nodes: NodeView): boolean {
  const { deletedAtMs, graceMs } = pod.end;
  if (deletedAtMs === undefined || nowMs <= deletedAtMs + graceMs) return !hasEnded(pod.end);
  return isEndedByNode(pod, nodes);
}

/** True for a deleted pod, whose node is there and will end it, or has not told yet that it has. */
export function isEndedByNode({ end, nodeName }: Pod, nodes: NodeView): boolean {
  if (end.phase === 'Succeeded' || end.phase === 'Failed') return false;
  return nodes.get(nodeName)?.isReady ?? false;
}

function hasEnded({ phase, reason, restartPolicy }: PodEnd): boolean {
  if (phase === 'Succeeded') return restartPolicy !== 'Always';
  return phase === 'Failed' && (restartPolicy === 'Never' || reason === 'Evicted');
}

/**
 * When the addresses of a deleted pod go at the latest, unless its node is there: it may be lost.
 * Undefined for a pod that nobody deleted; ms since 1970.
 */
export function releasedAtMs({ end }: Pod): number | undefined {
  const { deletedAtMs, terminationGraceMs } = end;
  return deletedAtMs === undefined ? undefined : deletedAtMs + terminationGraceMs;
}

/**
 * True where a StatefulSet's pod comes back under its name, and with its addresses: the set is the
 * one that made it, is not being deleted, and has not been scaled below the pod.
 *
 * @param current the StatefulSet of the owner's name, as it is now
 */
export function comesBack(
  podName: string,
  owner: StatefulSetRef,
  current: StatefulSet | undefined,
): boolean {
  if (current === undefined || current.deleting || current.uid !== owner.uid) return false;
  const index = podIndex(podName);
  // With a name that says no number nothing is known of its end.
  if (index === undefined) return true;
  return current.firstOrdinal <= index && index < current.firstOrdinal + current.replicas;
}

/**
 * True where a NIC of a StatefulSet's pod is to have the same addresses when the pod comes back:
 * they are still of their Subnet, and the set asks for no other one.
 *
 * @param provider what the NIC's annotations are under
 * @param subnet that of the addresses; where it is gone or wrong, nothing is known against it
 */
export function keepsAddresses(
  addresses: readonly Address[],
  provider: string,
  { logicalSwitches }: StatefulSet,
  subnet: Subnet | undefined,
): boolean {
  if (subnet === undefined) return true;
  const asked = logicalSwitches.get(annotationKey(provider, 'logical_switch')) ?? '';
  if (asked !== '' && asked !== subnet.name) return false;
  return addresses.every((address) => subnet.blocks.some(({ cidr }) => contains(cidr, address)));
}
