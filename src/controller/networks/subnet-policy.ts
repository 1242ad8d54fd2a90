/**
 * Whether pods of a namespace may be on a Subnet (`--enforce-subnet-namespaces`). Kube-OVN takes
 * `namespaces` of Subnets, Vpcs and IPPools for what pods get by default, and any pod may name any of
 * them. With the policy they say who may be there at all. Pure.
 */

import { matchesLabels } from '../../common/label-selector.ts';
import type { IpPool } from '../kinds/ippool/object/ippool.ts';
import type { Subnet } from '../kinds/subnet/object/subnet.ts';
import { type Checked, checkedValue, say, wrong } from '../model/problem.ts';
import type { NetworkView } from './request.ts';

type PolicyView = Pick<NetworkView, 'settings' | 'namespace' | 'vpcs'>;

/** The Subnet, where pods of the namespace may be on it. */
export function permitted(subnet: Subnet, namespace: string, view: PolicyView): Checked<Subnet> {
  if (!view.settings.enforcesNamespaces) return { value: subnet };
  if (!isFor(subnet, namespace, view)) {
    return wrong(
      say`subnet ${subnet.name} is not for pods of namespace ${namespace}: the controller runs with --enforce-subnet-namespaces`,
      say`use a Subnet of the namespace, or add it to spec.namespaces of Subnet ${subnet.name}`,
    );
  }
  const closed = [...view.vpcs()].find(({ meta, checked }) => {
    const namespaces = checkedValue(checked)?.namespaces ?? [];
    const isClosed = namespaces.length > 0 && !namespaces.includes(namespace);
    return meta.name === subnet.vpc && isClosed;
  });
  if (closed === undefined) return { value: subnet };
  return wrong(
    say`vpc ${subnet.vpc} of subnet ${subnet.name} is not for pods of namespace ${namespace}: the controller runs with --enforce-subnet-namespaces`,
    say`use a Subnet of another Vpc, or add the namespace to spec.namespaces of Vpc ${subnet.vpc}`,
  );
}

/** The IPPool, where pods of the namespace may name it. */
export function permittedPool(
  pool: IpPool,
  namespace: string,
  { settings }: Pick<PolicyView, 'settings'>,
): Checked<IpPool> {
  const isOpen = pool.namespaces.length === 0 || pool.namespaces.includes(namespace);
  if (isOpen || !settings.enforcesNamespaces) return { value: pool };
  return wrong(
    say`ippool ${pool.name} is not for pods of namespace ${namespace}: the controller runs with --enforce-subnet-namespaces`,
    say`name an IPPool of the namespace, or add it to spec.namespaces of IPPool ${pool.name}`,
  );
}

function isFor(subnet: Subnet, namespace: string, view: PolicyView): boolean {
  const { namespaces, namespaceSelectors } = subnet;
  if (namespaces.length + namespaceSelectors.length === 0) return true;
  if (namespaces.includes(namespace)) return true;
  const labels = view.namespace(namespace)?.labels ?? new Map();
  return namespaceSelectors.some((selector) => matchesLabels(selector, labels));
}
