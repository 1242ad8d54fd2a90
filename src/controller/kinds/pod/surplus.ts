/**
 * What a running pod has besides the NICs that it wants now.
 */

import { PRIMARY_PROVIDER } from '../../../common/names.ts';
import { providerOf } from '../../model/nic-name.ts';
import { isPublished } from '../../networks/requested-addresses.ts';
import { NICS_MAX } from '../../networks/selections.ts';
import type { Uses } from '../context.ts';
import type { IpObject } from '../ip/object/ip.ts';
import { isHeld, isInUse } from './nic-use.ts';
import type { AllocatedNic } from './object/allocated-nic.ts';
import { ownerOfPod, type Pod } from './object/pod.ts';
import { unpluggedKeys } from './object/pod-annotations.ts';
import { portsOfOwner } from './pod-release.ts';

type Context = Uses<'addresses' | 'ipIndex' | 'settings', 'ips'>;

/** What to keep and what to end of a running pod, besides the NICs that it asks for. */
export interface Surplus {
  /** Names of NICs that stay as they are. */
  readonly kept: ReadonlySet<string>;
  /** IP objects of NICs that the pod no longer has. */
  readonly ended: readonly IpObject[];
  /** NICs that hold addresses which nothing records and which were published to nobody. */
  readonly unrecorded: readonly string[];
  /** Annotations of these NICs, to be removed. */
  readonly unplugged: Readonly<Record<string, string | null>>;
}

/**
 * A NIC of OVN's ends with its port: nothing gets through its interface then. One of another plugin
 * stays in the pod, with its addresses, until the pod ends; and so does the pod's eth0, whatever mode
 * the controller is in.
 */
export function surplusOf(
  pod: Pod,
  nics: readonly Pick<AllocatedNic, 'port'>[],
  context: Context,
): Surplus {
  const owner = ownerOfPod(pod, context.settings);
  const wanted = new Set(nics.map(({ port }) => port));
  const kept = new Set<string>();
  const ended: IpObject[] = [];
  const unrecorded: string[] = [];
  const unplugged: Record<string, string | null> = {};
  for (const port of portsOfOwner(owner, context)) {
    const provider = providerOf(port, owner);
    if (wanted.has(port) || provider === undefined) continue;
    const ip = context.cluster.ips.get(port);
    // What was not published to it is an earlier pod's of its name; its own word for that is not enough.
    const isItsOwn = isPublished(pod, provider) || isInUse(pod, port, context);
    const isOvn = provider !== PRIMARY_PROVIDER && (ip?.spec.macAddress ?? '') !== '';
    if (isItsOwn && !isOvn) kept.add(port);
    else if (ip === undefined) unrecorded.push(port);
    else ended.push(ip);
    if (isItsOwn && isOvn) Object.assign(unplugged, unpluggedKeys(provider));
  }
  return { kept, ended, unrecorded, unplugged };
}

/**
 * Why a pod gets no more NICs: with those that stay until it ends it would have more than any pod can
 * ask for at once. By asking for others again and again one pod would get all addresses there are.
 */
export function tooManyNics(
  pod: Pod,
  nics: readonly Pick<AllocatedNic, 'port'>[],
  context: Context,
): string | undefined {
  if (nics.every(({ port }) => isHeld(pod, port, context))) return undefined;
  const { kept } = surplusOf(pod, nics, context);
  if (kept.size + nics.length <= NICS_MAX) return undefined;
  const [example] = kept;
  return `the pod asks for ${nics.length} NICs, and has ${kept.size} of networks that it no longer asks for, like ${example}: these stay until it ends, since its sandbox may use them, and a pod has ${NICS_MAX} at most; ask for fewer networks, or delete the pod and create it again`;
}
