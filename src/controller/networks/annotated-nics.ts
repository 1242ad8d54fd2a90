/**
 * The NICs that a pod was given before, as its annotations say: by this controller, by one before
 * it or by Kube-OVN's. Pure.
 *
 * What the pod asks for does not matter here. Its networks may be gone since, and its addresses are
 * its own nevertheless.
 */

import { type Address, parseAddress, parseMac } from '../../common/address.ts';
import { logicalSwitchPort } from '../../common/names.ts';
import { type Pod, workloadOf } from '../kinds/pod/object/pod.ts';
import { annotationKey } from '../model/annotation-key.ts';
import type { ClusterSettings } from '../model/settings.ts';
import { NICS_MAX } from './selections.ts';
import type { SubnetIndex } from './subnet-index.ts';

/** One NIC as a pod's annotations say it: a claim, checked against nothing yet. */
export interface AnnotatedAddresses {
  readonly provider: string;
  /** Its key: name of its logical switch port and of its IP object. */
  readonly port: string;
  /** Name of the Subnet that the addresses are of; undefined where nothing tells. */
  readonly subnet: string | undefined;
  readonly addresses: readonly Address[];
  readonly mac: string | undefined;
}

const SUFFIX = '.kubernetes.io/allocated';

/** What annotations that do not name a Subnet are completed by. */
export interface AnnotatedView {
  readonly settings: ClusterSettings;
  readonly subnets: SubnetIndex;
  /** Name of the Subnet that the NIC's IP object says. */
  subnetOfPort(port: string): string | undefined;
}

/** The first of them, as many as a pod can have: whoever writes more does so for nothing. */
export function annotatedNics(pod: Pod, view: AnnotatedView): readonly AnnotatedAddresses[] {
  return Object.entries(pod.annotations)
    .filter(([key, value]) => key.endsWith(SUFFIX) && value === 'true')
    .slice(0, NICS_MAX)
    .map(([key]) => readNic(pod, key.slice(0, -SUFFIX.length), view));
}

function readNic(pod: Pod, provider: string, view: AnnotatedView): AnnotatedAddresses {
  const text = (name: string) => pod.annotations[annotationKey(provider, name)] ?? '';
  const { namespace } = pod;
  const port = logicalSwitchPort({ workload: workloadOf(pod, view.settings), namespace, provider });
  // One of each family; a list that is longer is nobody's.
  const parts = text('ip_address').split(',', 3);
  return {
    provider,
    port,
    subnet: text('logical_switch') || (view.subnetOfPort(port) ?? ofProvider(provider, view)),
    addresses: parts.flatMap((part) => parseAddress(part.trim()) ?? []),
    mac: parseMac(text('mac_address')),
  };
}

/** A NIC of several of one network has its interface behind the network's provider. */
function ofProvider(provider: string, { subnets }: AnnotatedView): string | undefined {
  const network = provider.split('.').slice(0, -1).join('.');
  const subnet = subnets.ofProvider(provider) ?? subnets.ofProvider(network);
  return subnet?.meta.name;
}
