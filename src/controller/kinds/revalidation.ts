/**
 * Which changes make Subnets and IPPools another thing to those who want addresses: Addresses is told,
 * and then whoever goes by them. It comes before all kinds, so that each of them finds the allocator
 * as the change has it.
 */
import type { Uses } from './context.ts';
import type { Kind } from './kind.ts';
import { hasOtherAddresses, isNews, isVpcNews } from './news.ts';

type Context = Uses<
  'addresses' | 'signals',
  'ipPools' | 'ips' | 'nodes' | 'subnets' | 'vlans' | 'vpcs'
>;

export function rejudging({ addresses, cluster, signals }: Context): Kind {
  const rejudge = () => {
    addresses.invalidate();
    signals.rejudged.emit(addresses.refresh());
  };
  return {
    subscribe: () => [
      cluster.subnets.onChange((change) => {
        if (isNews(change)) rejudge();
      }),
      cluster.ipPools.onChange((change) => {
        if (isNews(change)) rejudge();
      }),
      cluster.vpcs.onChange((change) => {
        if (isVpcNews(change)) rejudge();
      }),
      cluster.nodes.onChange((change) => {
        if (hasOtherAddresses(change)) rejudge();
      }),
      cluster.vlans.onChange(rejudge),
      cluster.ips.onChange(({ type, value, previous }) => {
        if (type !== 'deleted') addresses.sawIp(value);
        const versions = previous === undefined ? [value] : [value, previous];
        const subnets = new Set(versions.map(({ spec }) => spec.subnet));
        if ([...subnets].some((subnet) => addresses.mayChange(subnet, versions))) rejudge();
      }),
    ],
    addAll: () => {
      addresses.invalidate();
      addresses.refresh();
    },
  };
}
