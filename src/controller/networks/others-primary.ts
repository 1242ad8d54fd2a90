/**
 * Non-primary mode: the network of provider `ovn` on a pod's default interface is another plugin's.
 * What a pod asks of it is said once in an event, since nothing else would say why it does not get it. Pure.
 */

import { PRIMARY_PROVIDER } from '../../common/names.ts';
import type { Pod } from '../kinds/pod/object/pod.ts';
import { annotationKey } from '../model/annotation-key.ts';
import { failureEvent, type ObjectEvent } from '../model/events.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { NicRequest } from './request.ts';

/** What asks for an address, or for where to have it. */
const ASKS = ['ip_address', 'mac_address', 'ip_pool', 'logical_switch', 'ip_family'];

/** NICs that are named in one sentence. */
const NAMED_MAX = 3;

type Mode = Pick<ClusterSettings, 'isPrimary'>;

/** True where an annotation is reported by `othersPrimaryEvents`. */
export function asksOthersPrimary(
  { prefix, name }: { readonly prefix: string; readonly name: string },
  nics: readonly NicRequest[],
  settings: Mode,
): boolean {
  return prefix === PRIMARY_PROVIDER && ASKS.includes(name) && isOthers(nics, settings);
}

/** At most one event. */
export function othersPrimaryEvents(
  { annotations }: Pod,
  nics: readonly NicRequest[],
  settings: Mode,
): readonly ObjectEvent[] {
  if (!isOthers(nics, settings)) return [];
  // Written when Kube-OVN was primary: it stays until the pod ends.
  if (annotations[annotationKey(PRIMARY_PROVIDER, 'allocated')] === 'true') return [];
  const keys = ASKS.map((name) => annotationKey(PRIMARY_PROVIDER, name));
  const asked = keys.filter((key) => annotations[key]);
  if (asked.length === 0) return [];
  const own = nics.slice(0, NAMED_MAX).map(({ provider }) => annotationKey(provider, 'ip_address'));
  const instead =
    own.length > 0
      ? `the pod's own networks have theirs under ${own.join(' or ')}`
      : 'for an address of Kube-OVN select one of its networks by k8s.v1.cni.cncf.io/networks, and write <network>.<namespace>.ovn.kubernetes.io/ip_address';
  const what = `${asked.join(', ')}: without effect, since the primary network of pods is another plugin's here (--non-primary-cni-mode): ${instead}`;
  return [failureEvent('PodNetworkNotSupported', 'annotations', what)];
}

function isOthers(nics: readonly NicRequest[], { isPrimary }: Mode): boolean {
  return !isPrimary && nics.every(({ provider }) => provider !== PRIMARY_PROVIDER);
}
