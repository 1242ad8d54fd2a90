/**
 * Whether what the controller gave a NIC still is what the NIC has. Asks nobody: the informer cache of
 * Pods has its last known state also while the API server is away.
 */

import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { CniError, OwnCode } from '../call/error.ts';
import type { LiveAttachment } from '../model/attachment.ts';
import { compared, type Difference, differs, listed } from '../model/difference.ts';
import type { EarlierResult } from '../model/earlier-result.ts';
import type { Nic } from '../model/nic.ts';
import { isSamePod, type Pod, podKey } from '../model/pod.ts';
import { readPossibleNic } from './allocation.ts';

/** What is known of a NIC's pod now. */
export interface Recorded {
  /** Undefined while no pods are known, and where it is gone or another one. */
  readonly pod?: Pod;
  /** Undefined where there is no pod, or its annotations do not say it. */
  readonly nic?: Nic;
  /** Why it is undefined, where that is a difference. */
  readonly differences: readonly Difference[];
}

const CODE = OwnCode.allocationDiffers;

/** Looks the pod of an attachment up, and reads its annotations. */
export function recordedNic(
  attachment: LiveAttachment,
  pods: Pick<WatchCache<Pod>, 'isSynced' | 'get'>,
): Recorded {
  const { namespace, name, uid } = attachment.pod;
  if (!pods.isSynced) return { differences: [] };
  const pod = pods.get(podKey(namespace, name));
  if (pod === undefined || !isSamePod(pod, uid)) {
    const expected = uid === undefined ? 'on this node' : `with UID ${uid}`;
    const found = pod === undefined ? 'none' : `one with UID ${pod.uid}`;
    return { differences: [differs(CODE, `pod ${namespace}/${name}`, expected, found)] };
  }
  try {
    const nic = readPossibleNic(pod.annotations, attachment);
    if (!('missing' in nic)) return { pod, nic, differences: [] };
    return { pod, differences: [differs(CODE, 'annotations', nic.missing.what, 'none')] };
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    const expected = `what ${attachment.ifName} was made of`;
    return { pod, differences: [differs(CODE, 'annotations', expected, error.message)] };
  }
}

/**
 * What the annotations say now against what the ADD answered. The answer of a plugin that we
 * delegate for may have more addresses than ours, and its MAC is its own affair.
 */
export function compareAllocation(
  { ipamOnly }: LiveAttachment,
  earlier: EarlierResult,
  nic: Nic,
): Difference[] {
  // What the answer does not have cannot be compared, and is a difference of the interface.
  if (!ipamOnly && earlier.interface === undefined) return [];
  const answered = earlier.addresses.map(({ address }) => address.text);
  const annotated = nic.addresses.map(({ address }) => address.text);
  const isSubset = annotated.every((text) => answered.includes(text));
  const isSame = isSubset && answered.every((text) => annotated.includes(text));
  const addresses = (ipamOnly ? isSubset : isSame)
    ? []
    : [differs(CODE, 'annotated address', listed(answered), listed(annotated))];
  const mac = earlier.interface?.mac;
  if (ipamOnly || mac === undefined || nic.mac === undefined) return addresses;
  return [...addresses, ...compared(CODE, 'annotated MAC address', mac, nic.mac)];
}
