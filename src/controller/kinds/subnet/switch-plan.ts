/**
 * The logical switch of a Subnet, with its ports to the Vpc's router and to the provider network,
 * its DHCP options and ACLs. Pure. A Subnet is one transaction; ports of pods are pod-plan.ts's.
 */
import { cidrText } from '../../../common/address.ts';
import { planAcls, removeAcls } from '../../ovn/acl-plan.ts';
import { claimed } from '../../ovn/claims.ts';
import type { DesiredLocalnet, DesiredSwitch } from '../../ovn/desired.ts';
import { planDhcp } from '../../ovn/dhcp-plan.ts';
import { planNodeSets, removeNodeSets } from '../../ovn/interconnection-sets.ts';
import { isOurs, localnetPortName, routerPortName, switchRouterPortName } from '../../ovn/names.ts';
import { ensureNodeGroups, planNodeGroups } from '../../ovn/node-groups.ts';
import { ownSwitch } from '../../ovn/ownership.ts';
import { planPodGroups } from '../../ovn/pod-groups.ts';
import { placeRouterPort, removeRouterPort, subnetOfRouterPort } from '../../ovn/router-port.ts';
import type { RouterPort, Switch, SwitchPort } from '../../ovn/rows.ts';
import type { NbState } from '../../ovn/state.ts';
import { LOCALNET_CIDR, placePort, removePort, type WantedPort } from '../../ovn/switch-port.ts';
import {
  newTransactionBuilder,
  type Plan,
  type TransactionBuilder,
} from '../../ovn/transaction-builder.ts';

/** What is said of a row that is not there. */
const NOBODYS = { external_ids: {} };

/**
 * Makes the switch of a Subnet be as desired.
 * @throws NorthboundError `missing` where the Vpc has no router yet; `taken`; `unsupported`
 */
export function planSwitch(state: NbState, desired: DesiredSwitch): Plan {
  const builder = newTransactionBuilder();
  const { name, attachment, acls, dhcp, nodes, nodeGroups = [] } = desired;
  const { row, parent } = ownSwitch(builder, state, name);
  const wanted = wantedPorts(desired);
  removeOtherPorts(builder, state, desired, wanted);
  if (attachment !== undefined) placeRouterPort(builder, state, name, attachment);
  for (const port of wanted) placePort(builder, state, port, { uuid: row?.uuid, parent });
  planDhcp(builder, state, name, dhcp);
  // Who names them removes them: the router (router-plan.ts).
  if (nodes !== undefined) planNodeSets(builder, state, name, nodes);
  planNodeGroups(builder, state, { subnet: name, vpc: attachment?.vpc ?? '' }, nodeGroups);
  planAcls(builder, state, { name, acls: row?.acls ?? [], parent }, acls);
  return builder.done();
}

/**
 * Removes all rows of a Subnet that is gone, with ports of pods on it. A switch that somebody else
 * has attached something to stays, without what is ours.
 */
export function planSwitchRemoval(state: NbState, name: string): Plan {
  const builder = newTransactionBuilder();
  builder.claim(claimed.switch(name));
  const ports = portsOf(state, name);
  const rows = state.switchesNamed(name).filter(isOurs);
  const ended = new Set(rows.filter((row) => destroySwitch(builder, state, row)));
  const isKept = ended.size < rows.length;
  // Somebody may have put a port on another switch as well, where it would live on.
  const left = ports.filter(({ uuid }) => {
    const holders = state.switchesOf(uuid);
    return isKept || holders.length === 0 || holders.some((holder) => !ended.has(holder));
  });
  for (const port of left) removePort(builder, state, port);
  for (const port of routerPortsTo(state, name)) removeRouterPort(builder, state, port);
  for (const row of state.dhcpOfSubnet(name)) builder.destroy('DHCP_Options', row);
  removeNodeSets(builder, state, name);
  ensureNodeGroups(builder, state, { subnet: name, vpc: '' }, []);
  planPodGroups(builder, state, [], ports);
  return builder.done();
}

/** @returns false where the switch stays, since its end would be that of rows that are not ours */
function destroySwitch(builder: TransactionBuilder, state: NbState, row: Switch): boolean {
  const { name, ports, acls, qos_rules: qosRules, forwarding_groups: forwarding } = row;
  const isForeign = (port: string) => !isOurs(state.switchPorts.get(port) ?? NOBODYS);
  const foreignAcls = acls.filter((acl) => !isOurs(state.acls.get(acl) ?? NOBODYS));
  const foreign = [
    ...([...ports].some(isForeign) ? ['ports'] : []),
    ...(foreignAcls.length > 0 ? ['acls'] : []),
    ...(qosRules.length > 0 ? ['qos_rules'] : []),
    ...(forwarding.length > 0 ? ['forwarding_groups'] : []),
  ];
  // What comes onto it meanwhile would go with it.
  builder.assume('Logical_Switch', row, 'ports', 'acls', 'qos_rules', 'forwarding_groups');
  if (foreign.length === 0) {
    builder.destroy('Logical_Switch', row);
    return true;
  }
  removeAcls(state, { name, acls, parent: builder.parent('Logical_Switch', row, {}) });
  builder.keep(`Logical_Switch ${name} stays: it has ${foreign.join(' and ')} that are not ours`);
  return false;
}

/** Ports that a Subnet has besides those of pods. */
function wantedPorts({ name, attachment, localnet }: DesiredSwitch): WantedPort[] {
  const plain = { portSecurity: [], ids: { ls: name }, dhcp: {} };
  const ports: WantedPort[] = [];
  if (attachment !== undefined) {
    ports.push({
      ...plain,
      name: switchRouterPortName(name, attachment.vpc),
      type: 'router',
      addresses: ['router'],
      options: { 'router-port': routerPortName(attachment.vpc, name) },
    });
  }
  if (localnet !== undefined) {
    ports.push({
      ...plain,
      name: localnetPortName(name),
      type: 'localnet',
      addresses: ['unknown'],
      options: { network_name: localnet.network },
      ids: { ls: name, ...localnetIds(localnet) },
      ...(localnet.tag === undefined ? {} : { tag: localnet.tag }),
    });
  }
  return ports;
}

function localnetIds({ cidrs }: DesiredLocalnet): Readonly<Record<string, string>> {
  const entries = cidrs.map((cidr) => [LOCALNET_CIDR[cidr.family], cidrText(cidr)] as const);
  return Object.fromEntries(entries);
}

/** Another Vpc's router, or a provider network, that the Subnet was attached to before. */
function removeOtherPorts(
  builder: TransactionBuilder,
  state: NbState,
  { name, attachment }: DesiredSwitch,
  wanted: readonly WantedPort[],
): void {
  const names = new Set(wanted.map((port) => port.name));
  const others = portsOf(state, name).filter(
    (port) => !names.has(port.name) && isToSubnet(state, port, name),
  );
  for (const port of others) removePort(builder, state, port);
  const routerPort = attachment && routerPortName(attachment.vpc, name);
  const otherRouterPorts = routerPortsTo(state, name).filter((port) => port.name !== routerPort);
  for (const port of otherRouterPorts) removeRouterPort(builder, state, port);
}

/** Whether a port is one that a Subnet asks for: a router's port that leads out of OVN is not. */
function isToSubnet(state: NbState, port: SwitchPort, subnet: string): boolean {
  if (port.type === 'localnet') return port.name === localnetPortName(subnet);
  if (port.type !== 'router') return false;
  const peer = state.routerPortNamed(port.options['router-port'] ?? '');
  return peer === undefined || subnetOfRouterPort(state, peer) === subnet;
}

function routerPortsTo(state: NbState, subnet: string): RouterPort[] {
  return [...state.routerPorts.values()].filter(
    (port) => subnetOfRouterPort(state, port) === subnet,
  );
}

/** Ports of ours that are on a Subnet's switch, or that somebody has taken from it. */
function portsOf(state: NbState, subnet: string): SwitchPort[] {
  const onSwitch = state
    .switchesNamed(subnet)
    .filter(isOurs)
    .flatMap(({ ports }) => [...ports]);
  const rows = onSwitch.flatMap((uuid) => state.switchPorts.get(uuid) ?? []);
  return [...new Set([...state.portsSaying(subnet), ...rows.filter(isOurs)])];
}
