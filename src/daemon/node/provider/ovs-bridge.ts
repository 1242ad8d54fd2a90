/**
 * The bridge of a provider network in OVS's database: what there is of it, what it is to be, and the
 * commands of ovs-vsctl that make the difference. Pure. Names and marks are Kube-OVN's.
 */
import { bridgeName, networkOfBridge } from '../../../common/provider-network.ts';
import { INTEGRATION_BRIDGE } from '../../ovs/port.ts';
import type { OvsState } from '../../ovs/state.ts';
import { quoted } from '../../ovs/vsctl.ts';
import { BRIDGE_MAPPINGS, MAC_MAPPINGS, parseMap, withEntry } from './names-map.ts';
import type { VlanInterface } from './vlan-interfaces.ts';

const VENDOR = { vendor: 'kube-ovn' } as const;
/** Of the port of a VLAN interface: the name of the kernel's. */
const VLAN_SOURCE = 'provider-vlan-interface';

export interface FoundPort {
  readonly name: string;
  /** Of its interface; empty for a link of the kernel. */
  readonly type: string;
  readonly tag: number | undefined;
  readonly trunks: readonly number[];
  /** True where a daemon of Kube-OVN has made it. */
  readonly isOurs: boolean;
  /** That it was given; undefined for one of its own. */
  readonly mac: string | undefined;
  /** Bytes; undefined where OVS has no link for it. */
  readonly mtu: number | undefined;
  /** Of the VLAN interface that it stands for. */
  readonly vlanSource: string | undefined;
}

export interface FoundBridge {
  readonly name: string;
  readonly datapathType: string;
  readonly externalIds: Readonly<Record<string, string>>;
  readonly otherConfig: Readonly<Record<string, string>>;
  /** Of its own port; bytes. */
  readonly mtu: number | undefined;
  /** Without its own, which has its name. */
  readonly ports: readonly FoundPort[];
}

/** The bridge of that name; undefined where OVS has none. */
export function findBridge(state: OvsState, name: string): FoundBridge | undefined {
  const row = state.bridgeNamed(name);
  if (row === undefined) return undefined;
  const ports = [...row.ports].flatMap((uuid) => state.ports.get(uuid) ?? []);
  return {
    name,
    datapathType: row.datapath_type,
    externalIds: row.external_ids,
    otherConfig: row.other_config,
    mtu: state.interfaceNamed(name)?.mtu,
    ports: ports
      .filter((port) => port.name !== name)
      .map(({ name: portName, tag, trunks, external_ids: ids, interfaces }) => ({
        name: portName,
        type: state.interfaces.get(interfaces[0] ?? '')?.type ?? '',
        mac: state.interfaces.get(interfaces[0] ?? '')?.mac,
        mtu: state.interfaces.get(interfaces[0] ?? '')?.mtu,
        tag,
        trunks: trunks.map(Number).sort((a, b) => a - b),
        isOurs: ids.vendor === VENDOR.vendor,
        vlanSource: ids[VLAN_SOURCE],
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** True for one that a daemon of Kube-OVN has made for a provider network; OVN's is none, whatever it says. */
export function isOwnBridge({
  name,
  externalIds,
}: Pick<FoundBridge, 'name' | 'externalIds'>): boolean {
  return externalIds.vendor === VENDOR.vendor && name !== INTEGRATION_BRIDGE;
}

/** True for one that has its card's name, as spec.exchangeLinkName asks for. */
export function isExchanged({ externalIds }: Pick<FoundBridge, 'externalIds'>): boolean {
  return externalIds['exchange-link-name'] === 'true';
}

/**
 * The bridge of a provider network, whichever name it has; undefined where OVS has none. One with its card's
 * name is found by the card, which has the name of the bridge: the mapping may not be there yet, or not any more.
 */
export function networkBridge(state: OvsState, network: string): FoundBridge | undefined {
  const name = bridgeName(network);
  const holder = state.bridgeOfInterface(name)?.name;
  const exchanged = holder === undefined ? undefined : findBridge(state, holder);
  if (exchanged && isOwnBridge(exchanged) && isExchanged(exchanged)) return exchanged;
  return findBridge(state, mappedBridge(network, state.externalIds) ?? name);
}

/** The provider network whose name is in that of a bridge, or of its card where both are exchanged. */
export function networkOf(found: FoundBridge): string | undefined {
  const names = isExchanged(found) ? cardPorts(found).map(({ name }) => name) : [found.name];
  return names.map(networkOfBridge).find((network) => network !== undefined);
}

/** The ports through which network cards, or what was one, are in a bridge. */
export function cardPorts({ ports }: FoundBridge): FoundPort[] {
  return ports.filter((port) => port.isOurs && isLinkPort(port) && port.vlanSource === undefined);
}

/** The ports of links that nobody has marked as Kube-OVN's. */
export function unmarkedCardPorts({ ports }: FoundBridge): FoundPort[] {
  return ports.filter((port) => !port.isOurs && isLinkPort(port));
}

/** `system` is what OVS takes no type for (ovs-vswitchd.conf.db(5)). */
function isLinkPort({ type }: FoundPort): boolean {
  return type === '' || type === 'system';
}

/** The ports of VLAN interfaces. */
export function vlanPorts({ ports }: FoundBridge): FoundPort[] {
  return ports.filter((port) => port.isOurs && port.vlanSource !== undefined);
}

/** VLAN interfaces whose addresses a bridge has. */
export function heldVlans(found: FoundBridge | undefined): VlanInterface[] {
  if (found === undefined) return [];
  return vlanPorts(found).flatMap(({ name: port, vlanSource, tag, mtu }) => {
    if (vlanSource === undefined || tag === undefined) return [];
    const own = mtu === undefined || mtu === found.mtu ? {} : { mtu };
    return [{ name: vlanSource, id: tag, port, ...own }];
  });
}

/** The bridge of a provider network as it is to be on this node. */
export interface WantedBridge {
  readonly network: string;
  readonly name: string;
  /** The card, by the name that it has as a port. */
  readonly card: string;
  /** That of the integration bridge. */
  readonly datapathType: string;
  readonly exchangesNames: boolean;
  readonly macLearningFallback: boolean;
  /** Undefined where the bridge has a MAC of its own. */
  readonly mac: string | undefined;
  /** Of the card; bytes. */
  readonly mtu: number;
  readonly trunks: readonly number[];
  readonly vlans: readonly VlanInterface[];
}

/**
 * Commands that make the bridge and the ports of VLAN interfaces, and leave the card alone.
 * @param randomMac for a new bridge that does not take the card's
 */
export function bridgeCommands(
  wanted: WantedBridge,
  found: FoundBridge | undefined,
  randomMac: () => string,
): string[] {
  const { name, datapathType, mac, vlans } = wanted;
  const otherConfig = {
    'mac-learning-fallback': String(wanted.macLearningFallback),
    hwaddr: mac ?? found?.otherConfig.hwaddr ?? randomMac(),
  };
  const externalIds = { ...VENDOR, 'exchange-link-name': String(wanted.exchangesNames) };
  const assignments = [
    ...(found?.datapathType === datapathType ? [] : [`datapath_type=${quoted(datapathType)}`]),
    ...differences('other_config', otherConfig, found?.otherConfig),
    ...differences('external_ids', externalIds, found?.externalIds),
  ];
  return [
    ...(found === undefined ? ['--', '--may-exist', 'add-br', name] : []),
    ...(assignments.length === 0 ? [] : ['--', 'set', 'Bridge', name, ...assignments]),
    ...vlans.flatMap((vlan) => vlanPortCommands(wanted, vlan, found)),
    ...mtuCommands(wanted, found),
  ];
}

/**
 * True where the bridge, or a port of a VLAN interface, gets another MAC than it has. On the userspace datapath OVS
 * takes the link down for that, and the kernel drops its IPv6 addresses and all its routes (measured: OVS 3.1).
 */
export function changesMacs({ mac, vlans }: WantedBridge, found: FoundBridge | undefined): boolean {
  if (found === undefined || mac === undefined) return false;
  if (found.otherConfig.hwaddr !== mac) return true;
  const ports = vlans.map(({ port }) => port);
  return found.ports.some((port) => ports.includes(port.name) && port.mac !== mac);
}

/**
 * OVS gives ports without an MTU of their own, and the bridge's, the smallest that there is in the bridge
 * (ovs-vswitchd.conf.db(5), `mtu_request`): where one VLAN interface has another one than the card, all are told.
 */
function mtuCommands({ name, mtu, vlans }: WantedBridge, found: FoundBridge | undefined): string[] {
  if (vlans.every((vlan) => vlan.mtu === undefined)) return [];
  const there = new Map([[name, found?.mtu], ...(found?.ports ?? []).map(mtuOf)]);
  const wanted = [
    [name, mtu] as const,
    ...vlans.map((vlan) => [vlan.port, vlan.mtu ?? mtu] as const),
  ];
  if (wanted.every(([port, bytes]) => there.get(port) === bytes)) return [];
  return wanted.flatMap(([port, bytes]) => [
    ...['--', 'set', 'Interface', port, `mtu_request=${bytes}`],
  ]);
}

function mtuOf({ name, mtu }: FoundPort): [string, number | undefined] {
  return [name, mtu];
}

function vlanPortCommands(
  { name: bridge, mac }: WantedBridge,
  { port, id, name }: VlanInterface,
  found: FoundBridge | undefined,
): string[] {
  const there = found?.ports.find((each) => each.name === port);
  const isRight = there?.isOurs && there.vlanSource === name && there.tag === id;
  if (isRight && (mac === undefined || there.mac === mac)) return [];
  return [
    ...['--', '--may-exist', 'add-port', bridge, port, `tag=${id}`],
    ...['--', 'set', 'Port', port, `tag=${id}`],
    ...assignmentsOf('external_ids', { ...VENDOR, [VLAN_SOURCE]: name }),
    ...['--', 'set', 'Interface', port, 'type=internal'],
    // As the VLAN interface had it: neighbours know the addresses by it.
    ...(mac === undefined ? [] : [`mac=${quoted(mac)}`]),
  ];
}

/** Commands that put the card into the bridge, or change the VLANs of its port. */
export function cardCommands(
  { name, card, trunks }: Pick<WantedBridge, 'name' | 'card' | 'trunks'>,
  found: FoundBridge | undefined,
): string[] {
  const there = found?.ports.find((port) => port.name === card);
  if (there?.isOurs && there.trunks.join() === trunks.join()) return [];
  return [
    ...['--', '--may-exist', 'add-port', name, card],
    ...['--', 'set', 'Port', card, `trunks=${trunks.join(',')}`],
    ...assignmentsOf('external_ids', VENDOR),
  ];
}

/**
 * Commands that tell OVN of the bridge.
 * @param ids `external_ids` of Open_vSwitch
 */
export function mappingCommands(
  { network, name }: Pick<WantedBridge, 'network' | 'name'>,
  ids: Readonly<Record<string, string>>,
  randomMac: () => string,
): string[] {
  const bridges = ids[BRIDGE_MAPPINGS];
  const macs = ids[MAC_MAPPINGS];
  const assignments = [
    ...(parseMap(bridges).get(network) === name
      ? []
      : assignmentsOf('external_ids', { [BRIDGE_MAPPINGS]: withEntry(bridges, network, name) })),
    ...(parseMap(macs).has(network)
      ? []
      : assignmentsOf('external_ids', { [MAC_MAPPINGS]: withEntry(macs, network, randomMac()) })),
  ];
  return assignments.length === 0 ? [] : ['--', 'set', 'Open_vSwitch', '.', ...assignments];
}

/** Commands after which OVN knows of no bridge of the provider network. */
export function unmappingCommands(
  network: string,
  ids: Readonly<Record<string, string>>,
): string[] {
  return [BRIDGE_MAPPINGS, MAC_MAPPINGS].flatMap((key) => {
    const text = ids[key];
    if (!parseMap(text).has(network)) return [];
    const left = withEntry(text, network, undefined);
    if (left === '') return ['--', 'remove', 'Open_vSwitch', '.', 'external_ids', key];
    return ['--', 'set', 'Open_vSwitch', '.', ...assignmentsOf('external_ids', { [key]: left })];
  });
}

/** The bridge that OVN has for a provider network; undefined where it has none. */
export function mappedBridge(
  network: string,
  ids: Readonly<Record<string, string>>,
): string | undefined {
  return parseMap(ids[BRIDGE_MAPPINGS]).get(network);
}

function differences(
  column: string,
  wanted: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>> = {},
): string[] {
  const changes = Object.entries(wanted).filter(([key, value]) => found[key] !== value);
  return assignmentsOf(column, Object.fromEntries(changes));
}

function assignmentsOf(column: string, values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([key, value]) => `${column}:${key}=${quoted(value)}`);
}

/**
 * All of a provider network's bridge that is ours to keep, as one text: where it is another one than when
 * it was set up, somebody has changed something, or the kernel has lost a link.
 */
export function fingerprint(state: OvsState, network: string): string {
  const ids = state.externalIds;
  const found = networkBridge(state, network);
  const { hwaddr, 'mac-learning-fallback': fallback } = found?.otherConfig ?? {};
  return JSON.stringify([
    mappedBridge(network, ids) ?? null,
    parseMap(ids[MAC_MAPPINGS]).has(network),
    found && [found.datapathType, isOwnBridge(found), hwaddr, fallback],
    found?.name,
    linkOf(state, found?.name ?? bridgeName(network)),
    found?.ports
      .filter((port) => port.isOurs)
      .map(({ name, tag, trunks, vlanSource }) => [
        ...[name, tag ?? null, trunks.join(), vlanSource ?? null],
        linkOf(state, name),
      ]),
  ]);
}

function linkOf(state: OvsState, name: string): readonly [number, string] {
  const { ifindex, error } = state.interfaceNamed(name) ?? {};
  return [ifindex ?? 0, error ?? ''];
}
