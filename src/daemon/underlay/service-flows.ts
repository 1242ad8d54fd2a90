/**
 * Flows of a provider bridge for Services that have an address of an underlay Subnet: what comes from the wire
 * for one goes to OVN, whose load balancer knows it, though nobody on the wire has the address. Pure.
 *
 * Cookies, priority and form are those of Kube-OVN's daemon, so that each daemon removes what the other left.
 * They are written as one bundle that first removes all with these cookies (ovs-ofctl(8), "add-flows"): no
 * other flow is read or touched.
 */
import { contains } from '../../common/address.ts';
import type { Vlan } from '../../common/vlan.ts';
import type { ExternalService } from '../model/service.ts';
import type { Subnet } from '../model/subnet.ts';
import { type ProviderBridge, patchPortOf } from './fdb-entries.ts';

const COOKIES = { IPv4: '0x1000', IPv6: '0x1001' } as const;
const PRIORITY = 10_000;
/** Where the Subnet has no router with a MAC of its own: the bridge's patch port alone leads to OVN. */
const ANY_ROUTER_MAC = '00:00:00:01:00:01';

/** The flows that a bridge is to have, as ovs-ofctl(8) reads them; in order, each once. */
export function wantedFlows(
  bridge: ProviderBridge,
  services: Iterable<ExternalService>,
  objects: {
    readonly subnetNamed: (name: string) => Subnet | undefined;
    readonly vlanNamed: (name: string) => Vlan | undefined;
  },
): string[] {
  const { card, networks, patchPorts } = bridge;
  const flows = new Set<string>();
  if (card === undefined) return [];
  for (const service of services) {
    const subnet = objects.subnetNamed(service.subnet);
    const vlan = subnet && objects.vlanNamed(subnet.vlan);
    const output = patchPorts.get(patchPortOf(service.subnet));
    if (subnet === undefined || vlan === undefined || output === undefined) continue;
    if (!subnet.givesServiceAddresses || !networks.has(vlan.provider)) continue;
    for (const flow of flowsOf(service, subnet, { card, output })) flows.add(flow);
  }
  return [...flows].sort();
}

/** Only of addresses that the Subnet has to give: flows for any other would take traffic from its owner. */
function flowsOf(
  { addresses, ports }: ExternalService,
  { cidrs, gateways, u2oMac = ANY_ROUTER_MAC }: Subnet,
  { card, output }: { readonly card: number; readonly output: number },
): string[] {
  const own = addresses.filter(
    (address) =>
      cidrs.some((cidr) => contains(cidr, address)) &&
      !gateways.some(({ text }) => text === address.text),
  );
  return own.flatMap(({ family, text }) =>
    ports.map(({ protocol, port }) => {
      const [suffix, field] = family === 'IPv4' ? ['', 'nw_dst'] : ['6', 'ipv6_dst'];
      const match = `in_port=${card},${protocol}${suffix},${field}=${text},tp_dst=${port}`;
      const actions = `mod_dl_dst:${u2oMac},output:${output}`;
      return `cookie=${COOKIES[family]},priority=${PRIORITY},${match},actions=${actions}`;
    }),
  );
}

/** Input of `ovs-ofctl --bundle add-flows` that leaves a bridge with these flows, and no others of ours. */
export function flowBundle(flows: readonly string[]): string {
  const removals = Object.values(COOKIES).map((cookie) => `delete cookie=${cookie}/-1`);
  return `${[...removals, ...flows.map((flow) => `add ${flow}`)].join('\n')}\n`;
}
