/**
 * Networks whose addresses no interface can have. Pure.
 */
import type { Cidr } from '../../common/address.ts';
import { contains, parseCidr } from '../../common/address.ts';

const RESERVED: readonly (readonly [name: string, cidr: string])[] = [
  ['v4 broadcast', '255.255.255.255/32'],
  ['v4 multicast', '224.0.0.0/4'],
  ['v4 loopback', '127.0.0.1/8'],
  ['v4 localnet', '0.0.0.0/32'],
  ['v4 link local', '169.254.0.0/16'],
  ['v6 unspecified', '::/128'],
  ['v6 loopback', '::1/128'],
  ['v6 multicast', 'ff00::/8'],
  ['v6 link local', 'fe80::/10'],
];

const networks = RESERVED.flatMap(([name, text]) => {
  const cidr = parseCidr(text);
  return cidr === undefined ? [] : [{ cidr, label: `${name} cidr ${text}` }];
});

/** The first of them of which `cidr` has an address: `v4 multicast cidr 224.0.0.0/4`. */
export function reservedNetworkIn(cidr: Cidr): string | undefined {
  return networks.find((reserved) => overlap(reserved.cidr, cidr))?.label;
}

/** True where there is an address that is in both: then one of the two contains the other. */
export function overlap(one: Cidr, other: Cidr): boolean {
  return contains(one, networkOf(other)) || contains(other, networkOf(one));
}

function networkOf({ family, network }: Cidr) {
  return { family, text: network };
}
