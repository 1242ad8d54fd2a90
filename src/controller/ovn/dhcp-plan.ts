/**
 * The options that OVN's DHCP server gives to ports of a Subnet: one row per family, which ports
 * refer to. Pure. Options of single ports (`external_ids:port`) are left alone.
 */
import { cidrText, type Family } from '../../common/address.ts';
import { mapOf, type Value } from '../../common/ovsdb/value.ts';
import type { DesiredDhcp, DesiredPort } from './desired.ts';
import { isOurs, VENDOR } from './names.ts';
import type { DhcpOptions, SwitchPort } from './rows.ts';
import { addressesOf, type NbState } from './state.ts';
import { isSameSet, rowAtom, type TransactionBuilder } from './transaction-builder.ts';

const TABLE = 'DHCP_Options';
const FAMILIES = ['IPv4', 'IPv6'] as const;
/** The option that holds the server's MAC. */
const MAC_OPTIONS = { IPv4: 'server_mac', IPv6: 'server_id' } as const;
/** The column of a port that refers to options. */
export const DHCP_COLUMN = { IPv4: 'dhcpv4_options', IPv6: 'dhcpv6_options' } as const;

function dhcpRow(state: NbState, subnet: string, family: Family): DhcpOptions | undefined {
  return state.dhcpOfSubnet(subnet).find(({ external_ids: ids }) => ids.protocol === family);
}

/** What a port refers to otherwise, somebody has chosen for it. */
function isOfSubnets(row: DhcpOptions): boolean {
  return isOurs(row) && row.external_ids.port === undefined;
}

/**
 * The options of a port, by family: those of its Subnet, for the families that it has addresses of,
 * or for both where it has none.
 */
export function dhcpOfPort(
  state: NbState,
  { name, subnet, addresses }: DesiredPort,
): Partial<Record<Family, string>> {
  const port = state.switchPortNamed(name);
  const options = FAMILIES.flatMap((family) => {
    const chosen = state.dhcpOptions.get(port?.[DHCP_COLUMN[family]] ?? '');
    if (chosen !== undefined && !isOfSubnets(chosen)) return [[family, chosen.uuid] as const];
    const isWanted = addresses.length === 0 || addresses.some((each) => each.family === family);
    const row = isWanted ? dhcpRow(state, subnet, family) : undefined;
    return row === undefined ? [] : [[family, row.uuid] as const];
  });
  return Object.fromEntries(options);
}

/**
 * Makes the options of a Subnet be these, and gives them to its ports; those that are removed are
 * taken from ports by the database.
 */
export function planDhcp(
  builder: TransactionBuilder,
  state: NbState,
  subnet: string,
  desired: readonly DesiredDhcp[],
): void {
  const kept = new Set<DhcpOptions>();
  const ports = new Map<SwitchPort, Record<string, Value>>();
  for (const wanted of desired) {
    const { family } = wanted.cidr;
    const row = dhcpRow(state, subnet, family);
    const reference = rowAtom(row?.uuid ?? createRow(builder, subnet, wanted));
    if (row !== undefined) {
      kept.add(row);
      correctRow(builder, row, wanted);
    }
    for (const port of portsWithout(state, subnet, family))
      ports.set(port, { ...ports.get(port), [DHCP_COLUMN[family]]: reference });
  }
  const surplus = state.dhcpOfSubnet(subnet).filter((row) => !kept.has(row));
  for (const row of surplus) builder.destroy(TABLE, row);
  for (const [port, columns] of ports) builder.setIfThere('Logical_Switch_Port', port, columns);
}

function createRow(builder: TransactionBuilder, subnet: string, wanted: DesiredDhcp): string {
  const { cidr, newMac } = wanted;
  const ids = { vendor: VENDOR, ls: subnet, protocol: cidr.family };
  builder.assumeNone(TABLE, [['external_ids', '==', mapOf(ids)]]);
  return builder.create(TABLE, {
    cidr: cidrText(cidr),
    options: mapOf(optionsOf(wanted, newMac)),
    external_ids: mapOf(ids),
  });
}

function correctRow(builder: TransactionBuilder, row: DhcpOptions, wanted: DesiredDhcp): void {
  const { cidr, newMac } = wanted;
  const options = optionsOf(wanted, row.options[MAC_OPTIONS[cidr.family]] ?? newMac);
  const isCidr = row.cidr === cidrText(cidr);
  const isOptions = isSameSet(entriesOf(row.options), entriesOf(options));
  builder.set(TABLE, row, {
    ...(isCidr ? {} : { cidr: cidrText(cidr) }),
    ...(isOptions ? {} : { options: mapOf(options) }),
  });
}

function optionsOf({ cidr, options }: DesiredDhcp, mac: string): Record<string, string> {
  return { [MAC_OPTIONS[cidr.family]]: mac, ...options };
}

function entriesOf(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).map((entry) => JSON.stringify(entry));
}

/** Pods' ports of a Subnet that are to have options of a family, and have none. */
function portsWithout(state: NbState, subnet: string, family: Family): SwitchPort[] {
  const ports = state
    .switchesNamed(subnet)
    .filter(isOurs)
    .flatMap(({ ports: uuids }) => [...uuids]);
  return ports
    .flatMap((uuid) => state.switchPorts.get(uuid) ?? [])
    .filter((port) => isOurs(port) && port.external_ids.pod !== undefined)
    .filter((port) => port[DHCP_COLUMN[family]] === undefined)
    .filter((port) => {
      const addresses = addressesOf(port);
      return addresses.length === 0 || addresses.some((each) => each.family === family);
    });
}
