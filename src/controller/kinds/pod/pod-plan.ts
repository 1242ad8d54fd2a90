/**
 * The logical switch ports of a pod: which there are to be, what is in them, and which groups
 * they are in. Pure. A pod is one transaction.
 */
import { claimed } from '../../ovn/claims.ts';
import type { DesiredPort } from '../../ovn/desired.ts';
import { dhcpOfPort } from '../../ovn/dhcp-plan.ts';
import { NorthboundError } from '../../ovn/error.ts';
import { DEFAULT_VPC } from '../../ovn/names.ts';
import { ownRow } from '../../ovn/ownership.ts';
import { planPodGroups } from '../../ovn/pod-groups.ts';
import { LISTED_PREFIX, type NbState } from '../../ovn/state.ts';
import { placePort, removePort, type WantedPort } from '../../ovn/switch-port.ts';
import {
  newTransactionBuilder,
  type Plan,
  type TransactionBuilder,
} from '../../ovn/transaction-builder.ts';

/**
 * The SecurityGroup that Kube-OVN's controller gives to ports of other Vpcs than its own, when it
 * is configured to. A port says that it has not got it.
 */
const DEFAULT_GROUP = 'default-securitygroup';

/**
 * Makes the ports of a pod be exactly these; none for a pod that is gone.
 * @param pod `<namespace>/<name>`
 * @param kept names of ports that stay as they are
 * @throws NorthboundError `missing` where a Subnet has no switch yet; `taken`
 */
export function planPod(
  state: NbState,
  pod: string,
  ports: readonly DesiredPort[],
  kept: ReadonlySet<string> = new Set(),
): Plan {
  const builder = newTransactionBuilder();
  const names = new Set([...ports.map(({ name }) => name), ...kept]);
  const gone = state.portsOfPod(pod).filter(({ name }) => !names.has(name));
  for (const port of gone) removePort(builder, state, port);
  const placed = ports.map((port) => ({
    port,
    reference: placePodPort(builder, state, pod, port),
  }));
  planPodGroups(builder, state, placed, gone);
  return builder.done();
}

function placePodPort(
  builder: TransactionBuilder,
  state: NbState,
  pod: string,
  port: DesiredPort,
): string {
  const { name, subnet } = port;
  const table = 'Logical_Switch';
  const row = ownRow(state.switchesNamed(subnet), { table, name: subnet });
  if (row === undefined) {
    throw new NorthboundError(
      'missing',
      `port ${name} cannot be made: Subnet ${subnet} has no logical switch yet`,
      `the events of Subnet ${subnet} tell why`,
    );
  }
  builder.share(claimed.switch(subnet));
  builder.assume(table, row, 'name', 'external_ids');
  const parent = builder.parent(table, row, {});
  return placePort(builder, state, wantedPort(state, pod, port), { uuid: row.uuid, parent });
}

function wantedPort(state: NbState, pod: string, port: DesiredPort): WantedPort {
  const { name, subnet, mac, addresses, takesUnknown, isSecured, virtualAddresses } = port;
  const own = [mac, ...addresses.map(({ text }) => text)];
  const secured = [...own, ...virtualAddresses.map(({ text }) => text)];
  return {
    name,
    type: '',
    addresses: [own.join(' '), ...(takesUnknown ? ['unknown'] : [])],
    // Without an address of its own a pod may use any: what hands it out is not known here.
    portSecurity: isSecured && addresses.length > 0 ? [secured.join(' ')] : [],
    options: {},
    ids: { ls: subnet, pod, ...groupIds(port), ...virtualIds(port) },
    dhcp: dhcpOfPort(state, port),
  };
}

function groupIds({ vpc, securityGroups }: DesiredPort): Record<string, string> {
  const names = securityGroups.map(({ name }) => name);
  const isDefault = vpc === DEFAULT_VPC || names.includes(DEFAULT_GROUP);
  return {
    ...(isDefault ? {} : { [`${LISTED_PREFIX}${DEFAULT_GROUP}`]: 'false' }),
    ...(names.length === 0 ? {} : { security_groups: names.join('/') }),
    ...Object.fromEntries(names.map((name) => [`${LISTED_PREFIX}${name}`, 'true'])),
  };
}

function virtualIds({ virtualAddresses }: DesiredPort): Record<string, string> {
  if (virtualAddresses.length === 0) return {};
  return { vips: virtualAddresses.map(({ text }) => text).join(','), 'attach-vips': 'true' };
}
