/**
 * The options that OVN's DHCP server gives to ports of a Subnet: one row per family, which ports
 * refer to. Pure. Options of single ports (`external_ids:port`) are left alone.
 */
import { cidrText, type Family } from '../../daemon/net/address.ts';
import type { DesiredDhcp } from './desired.ts';
import { type Draft, isSameSet, pairs, text } from './draft.ts';
import { isOurs, VENDOR } from './names.ts';
import type { DhcpOptions, SwitchPort } from './rows.ts';
import { addressesOf, type NbState } from './state.ts';

const TABLE = 'DHCP_Options';
/** The option that holds the server's MAC. */
const MAC_OPTIONS = { IPv4: 'server_mac', IPv6: 'server_id' } as const;
const REFERENCES = { IPv4: 'dhcpv4_options', IPv6: 'dhcpv6_options' } as const;

/** The options of a Subnet for one family, if there are any. */
export function dhcpRow(state: NbState, subnet: string, family: Family): DhcpOptions | undefined {
  return dhcpRows(state, subnet).find(({ ids }) => ids.protocol === family);
}

/** All options of a Subnet. */
export function dhcpRows(state: NbState, subnet: string): DhcpOptions[] {
  return [...state.dhcpOptions.values()].filter(
    (row) => isOurs(row) && row.ids.ls === subnet && row.ids.port === undefined,
  );
}

/**
 * Makes the options of a Subnet be these. Ports that are there get options that are made now; those
 * that are removed are taken from ports by the database.
 */
export function planDhcp(
  draft: Draft,
  state: NbState,
  subnet: string,
  desired: readonly DesiredDhcp[],
): void {
  const kept = new Set<DhcpOptions>();
  for (const wanted of desired) {
    const { family } = wanted.cidr;
    const row = dhcpRow(state, subnet, family);
    if (row === undefined) createRow(draft, state, subnet, wanted);
    else {
      kept.add(row);
      correctRow(draft, row, wanted);
    }
  }
  const surplus = dhcpRows(state, subnet).filter((row) => !kept.has(row));
  for (const { uuid } of surplus) draft.destroy(TABLE, uuid);
}

function createRow(draft: Draft, state: NbState, subnet: string, wanted: DesiredDhcp): void {
  const { cidr, newMac } = wanted;
  const { family } = cidr;
  const created = draft.create(TABLE, {
    cidr: text(cidrText(cidr)),
    options: pairs(optionsOf(wanted, newMac)),
    external_ids: pairs({ vendor: VENDOR, ls: subnet, protocol: family }),
  });
  for (const { uuid } of podPortsOf(state, subnet, family)) {
    draft.set('Logical_Switch_Port', uuid, { [REFERENCES[family]]: created });
  }
}

function correctRow(draft: Draft, row: DhcpOptions, wanted: DesiredDhcp): void {
  const { cidr, newMac } = wanted;
  const options = optionsOf(wanted, row.options[MAC_OPTIONS[cidr.family]] ?? newMac);
  const isCidr = row.cidr === cidrText(cidr);
  const isOptions = isSameSet(entriesOf(row.options), entriesOf(options));
  draft.set(TABLE, row.uuid, {
    ...(isCidr ? {} : { cidr: text(cidrText(cidr)) }),
    ...(isOptions ? {} : { options: pairs(options) }),
  });
}

function optionsOf({ cidr, options }: DesiredDhcp, mac: string): Record<string, string> {
  return { [MAC_OPTIONS[cidr.family]]: mac, ...options };
}

function entriesOf(options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).map((entry) => JSON.stringify(entry));
}

/** Pods' ports of a Subnet that have an address of the family, or get theirs from elsewhere. */
function podPortsOf(state: NbState, subnet: string, family: Family): SwitchPort[] {
  const ports = state
    .switchesNamed(subnet)
    .filter(isOurs)
    .flatMap(({ ports: uuids }) => uuids);
  return ports
    .flatMap((uuid) => state.switchPorts.get(uuid) ?? [])
    .filter((port) => isOurs(port) && port.ids.pod !== undefined)
    .filter((port) => {
      const addresses = addressesOf(port);
      return addresses.length === 0 || addresses.some((each) => each.family === family);
    });
}
