/**
 * Networks and gateways of the addresses that another plugin gives an interface: the Subnet's, not
 * those of the pod's annotations. The plugin may use them on the node: bridge(8) of the CNI plugins
 * gives its bridge the gateway's address (`isGateway`), and the node a route to the network.
 */
import { cidrText, contains } from '../../common/address.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { invalid, tryAgain } from '../call/error.ts';
import type { NicAddress } from '../model/nic.ts';
import type { Subnet } from '../model/subnet.ts';
import type { Allocation } from './allocation.ts';
import type { Confirmed } from './confirmation.ts';

/**
 * The addresses of an allocation, each with network and gateway of the Subnet that the IP object
 * names.
 * @throws CniError 7 where an address lies outside of that Subnet; 11 where there is no such Subnet
 */
export function delegatedAddresses(
  { nic, subnet: ofNetwork }: Allocation,
  { ip }: Confirmed,
  subnets: Pick<WatchCache<Subnet>, 'get'>,
): readonly NicAddress[] {
  if (nic.addresses.length === 0) return [];
  const subnet = subnets.get(ip?.subnet ?? '') ?? ofNetwork;
  if (subnet !== undefined) return nic.addresses.map((address) => inSubnet(address, subnet));
  throw tryAgain(
    `IP object ${ip?.name} names no Subnet that exists: "${ip?.subnet}"`,
    'look at the log of kube-ovn-controller',
  );
}

function inSubnet({ address }: NicAddress, subnet: Subnet): NicAddress {
  const cidr = subnet.cidrs.find((candidate) => contains(candidate, address));
  if (cidr === undefined) {
    const blocks = subnet.cidrs.map(cidrText).join(',') || 'which has no cidrBlock';
    throw invalid('the allocated address', address.text, `one of Subnet ${subnet.name}, ${blocks}`);
  }
  const gateway = subnet.gateways.find(({ family }) => family === address.family);
  return gateway === undefined ? { address, cidr } : { address, cidr, gateway };
}
