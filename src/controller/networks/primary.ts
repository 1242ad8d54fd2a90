/**
 * The NIC of provider `ovn`: of the primary network, which pods have without asking for it; in
 * non-primary mode of a network that names that provider. Pure.
 */

import { parseAddress } from '../../common/address.ts';
import { matchesLabels } from '../../common/label-selector.ts';
import { PRIMARY_PROVIDER } from '../../common/names.ts';
import type { Namespace } from '../kinds/namespace/object/namespace.ts';
import type { Pod } from '../kinds/pod/object/pod.ts';
import type { Subnet, SubnetObject } from '../kinds/subnet/object/subnet.ts';
import { annotationKey } from '../model/annotation-key.ts';
import { type Checked, checkedValue, say, wrong } from '../model/problem.ts';
import { findIpPool } from './named-pool.ts';
import type { Attempt, Candidates, NetworkView, RequestedAddresses } from './request.ts';
import { dynamicFrom, isPublished } from './requested-addresses.ts';
import { usable } from './subnet-index.ts';
import { permitted, permittedPool } from './subnet-policy.ts';

/** Where a NIC can have its addresses from. */
export interface NicPlace {
  readonly candidates: Candidates;
  /** What is done where the pod asks for no address. */
  readonly otherwise: () => Checked<RequestedAddresses['attempts']>;
}

/**
 * The Subnet that the pod names, or that of the IPPool that it names, or those of its namespace,
 * or the default one.
 */
export function primaryPlace(pod: Pod, view: NetworkView): Checked<NicPlace> {
  const named = pod.annotations[annotationKey(PRIMARY_PROVIDER, 'logical_switch')] ?? '';
  const poolName = poolNameOf(pod);
  if (named === '' && poolName !== undefined) {
    const pool = findIpPool(poolName, view);
    if ('problems' in pool) return pool;
    const mine = permittedPool(pool.value, pod.namespace, view);
    return 'problems' in mine ? mine : placeOn([mine.value.subnet], pod, view);
  }
  return placeOn(named === '' ? namespaceSubnets(pod.namespace, view) : [named], pod, view);
}

/** What `ip_pool` holds, where it is no list of addresses. */
function poolNameOf({ annotations }: Pod): string | undefined {
  const text = (annotations[annotationKey(PRIMARY_PROVIDER, 'ip_pool')] ?? '').trim();
  return text === '' || /[,;]/.test(text) || parseAddress(text) ? undefined : text;
}

function placeOn(names: readonly string[], pod: Pod, view: NetworkView): Checked<NicPlace> {
  const subnets: Subnet[] = [];
  for (const name of names) {
    const object = view.subnets.get(name);
    if (object === undefined) {
      return wrong(
        say`subnet ${name} not found`,
        `create it, or put the pod on another one by ${annotationKey(PRIMARY_PROVIDER, 'logical_switch')}`,
      );
    }
    const subnet = usableFor(pod, object, view);
    if ('problems' in subnet) return subnet;
    if (!subnet.value.isOvn) {
      const { provider } = subnet.value;
      return wrong(
        say`subnet ${name} has provider ${provider}, which is none of OVN's`,
        'put the pod on a Subnet of provider ovn',
      );
    }
    subnets.push(subnet.value);
  }
  const [first, ...rest] = subnets;
  if (first === undefined) {
    const advice = `create Subnet ${view.settings.defaultSubnet}, or set spec.namespaces of another`;
    return wrong(say`namespace ${pod.namespace} default logical switch is not found`, advice);
  }
  const candidates: Candidates = [first, ...rest];
  return {
    value: { candidates, otherwise: () => namespacePools(pod.namespace, candidates, view) },
  };
}

function usableFor(pod: Pod, object: SubnetObject, view: NetworkView): Checked<Subnet> {
  const hasAddresses = isPublished(pod, PRIMARY_PROVIDER);
  const subnet = usable(object, hasAddresses, view.holdersOf);
  if ('problems' in subnet || hasAddresses) return subnet;
  return permitted(subnet.value, pod.namespace, view);
}

/** Names of the Subnets for the primary NICs of a namespace's pods, best first. */
function namespaceSubnets(name: string, view: NetworkView): readonly string[] {
  const namespace = view.namespace(name);
  // What Kube-OVN's controller wrote, it wrote by the rules below.
  const written = (namespace?.subnets ?? []).filter((subnet) => view.subnets.get(subnet));
  if (written.length > 0) return written;
  const bound = view.subnets.all
    .filter((object) => !object.meta.deleting && isBound(object, name, namespace))
    .map(({ meta }) => meta.name);
  const vpcs = [...view.vpcs()].filter(({ checked }) => {
    return checkedValue(checked)?.namespaces.includes(name) ?? false;
  });
  const defaults = vpcs
    .map(({ checked }) => checkedValue(checked)?.defaultSubnet ?? '')
    .filter((subnet) => subnet !== '');
  const names = new Set([...defaults, ...bound]);
  return names.size > 0 ? [...names] : [view.settings.defaultSubnet];
}

function isBound({ checked }: SubnetObject, name: string, namespace: Namespace | undefined) {
  const subnet = checkedValue(checked);
  if (subnet === undefined || !subnet.isOvn) return false;
  if (subnet.namespaces.includes(name)) return true;
  const labels = namespace?.labels ?? new Map();
  return subnet.namespaceSelectors.some((selector) => matchesLabels(selector, labels));
}

/** Any address of what the namespace's pods are to have theirs from. */
function namespacePools(
  name: string,
  candidates: Candidates,
  view: NetworkView,
): Checked<RequestedAddresses['attempts']> {
  const written = view.namespace(name)?.ipPools ?? [];
  const bound = [...view.ipPools()].flatMap(({ checked }) => {
    const pool = checkedValue(checked);
    return pool?.namespaces.includes(name) ? [pool.name] : [];
  });
  const names = [...new Set([...written, ...bound.sort()])];
  if (names.length === 0) {
    const [first, ...rest] = candidates;
    return { value: [dynamicFrom(first), ...rest.map(dynamicFrom)] };
  }
  const attempts: Attempt[] = [];
  for (const poolName of names) {
    const pool = findIpPool(poolName, view);
    if ('problems' in pool) return pool;
    const subnet = candidates.find((candidate) => candidate.name === pool.value.subnet);
    if (subnet) attempts.push({ subnet, addresses: { kind: 'dynamic', pool: poolName } });
  }
  const [first, ...rest] = attempts;
  if (first !== undefined) return { value: [first, ...rest] };
  return wrong(
    say`NoAvailableAddress: no ippool of namespace ${name} is of subnet ${candidates.map((candidate) => candidate.name).join(', ')}`,
    "make an IPPool of that Subnet for the namespace, or ask for a pool by the pod's ip_pool",
  );
}
