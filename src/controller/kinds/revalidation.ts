/**
 * Which changes make Subnets and IPPools another thing to those who want addresses: Addresses is invalidated,
 * and then whoever goes by it is called. It comes before all kinds, so that each of them finds the allocator
 * as the change has it.
 */
import type { Uses } from './context.ts';
import type { Kind } from './kind.ts';
import { affectsNics, hasOtherAddresses, hasVlanChanged, hasVpcChanged } from './predicates.ts';

type Context = Uses<
  'addresses' | 'signals',
  'ipPools' | 'ips' | 'nodes' | 'subnets' | 'vlans' | 'vpcs'
>;

/**
 * Follows all that Subnets and IPPools are validated by, and has Addresses and then its listeners look again.
 * It has no keys of its own.
 */
export function revalidation({ addresses, cluster, signals }: Context): Kind {
  const revalidate = () => {
    addresses.invalidate();
    signals.revalidated.emit(addresses.refresh());
  };
  return {
    subscribe: () => [
      cluster.subnets.onChange((change) => {
        if (affectsNics(change)) revalidate();
      }),
      cluster.ipPools.onChange((change) => {
        if (affectsNics(change)) revalidate();
      }),
      cluster.vpcs.onChange((change) => {
        if (hasVpcChanged(change)) revalidate();
      }),
      cluster.nodes.onChange((change) => {
        if (hasOtherAddresses(change)) revalidate();
      }),
      cluster.vlans.onChange((change) => {
        if (hasVlanChanged(change)) revalidate();
      }),
      cluster.ips.onChange(({ type, value, previous }) => {
        if (type !== 'deleted') addresses.adoptIp(value);
        const versions = previous === undefined ? [value] : [value, previous];
        const subnets = new Set(versions.map(({ spec }) => spec.subnet));
        if ([...subnets].some((subnet) => addresses.mayChange(subnet, versions))) revalidate();
      }),
    ],
    addAll: () => {
      addresses.invalidate();
      addresses.refresh();
    },
  };
}
