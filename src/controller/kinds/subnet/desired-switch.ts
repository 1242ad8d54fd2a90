/**
 * From a Subnet to the logical switch that OVN is to have. Pure but for new MAC addresses.
 */
import { randomBytes } from 'node:crypto';
import type { Address, Cidr } from '../../../common/address.ts';
import type {
  DesiredAcl,
  DesiredAttachment,
  DesiredDhcp,
  DesiredNodeGroup,
  DesiredSwitch,
} from '../../ovn/desired.ts';
import { ownAcls, privateAcls } from '../../ovn/subnet-acls.ts';
import type { VlanObject } from '../vlan/object/vlan.ts';
import { type Interconnection, isInterconnected } from './object/interconnection.ts';
import type { Subnet } from './object/subnet.ts';

/** MTU of pods by DHCP where the Subnet does not say one: 1500 less Geneve's 100; bytes. */
const OVERLAY_MTU = 1400;
/** The same on a physical network; bytes. */
const PHYSICAL_MTU = 1500;
/** The source of OVN's DHCPv4 answers (Kube-OVN's choice). */
const DHCP_SERVER = '169.254.0.254';
const LEASE_SECONDS = 3600;

/** What the switch depends on besides the Subnet. */
export interface SwitchContext {
  readonly vlan: VlanObject | undefined;
  /** Networks of the nodes' own ports, which always get to pods. */
  readonly nodes: readonly Cidr[];
  /** The router's leg in an underlay Subnet with its own gateway; undefined for none. */
  readonly leg?: Interconnection | undefined;
  /** Addresses of all nodes. */
  readonly nodeAddresses: readonly Address[];
  /** Its ports by node, where its policies name them. */
  readonly nodeGroups?: readonly DesiredNodeGroup[];
}

/** The logical switch that a valid Subnet asks for, with router port, ACLs and DHCP options. */
export function desiredSwitch(subnet: Subnet, context: SwitchContext): DesiredSwitch {
  const { name, blocks } = subnet;
  const { vlan, nodes, leg, nodeAddresses, nodeGroups = [] } = context;
  const attachment = attachmentOf(subnet, leg);
  const localnet = vlan && {
    network: vlan.provider,
    ...(vlan.id === 0 ? {} : { tag: vlan.id }),
    cidrs: blocks.map(({ cidr }) => cidr),
  };
  return {
    name,
    ...(attachment === undefined ? {} : { attachment }),
    ...(localnet === undefined ? {} : { localnet }),
    ...(leg === undefined ? {} : { nodes: nodeAddresses, nodeGroups }),
    dhcp: subnet.enableDhcp ? dhcpOf(subnet, leg) : [],
    acls: aclsOf(subnet, nodes),
  };
}

/** The router is the gateway, or has an address of its own beside a gateway outside. */
function attachmentOf(
  subnet: Subnet,
  leg: Interconnection | undefined,
): DesiredAttachment | undefined {
  const { vpc, blocks, hasRouterPort } = subnet;
  if (!hasRouterPort || blocks.length === 0) return undefined;
  if (isInterconnected(subnet) && leg === undefined) return undefined;
  const gateways = blocks.map(({ gateway, cidr, family }) => ({
    address: leg?.addresses.find((address) => address.family === family) ?? gateway,
    prefixLength: cidr.prefixLength,
  }));
  const mac = leg === undefined ? {} : { mac: leg.mac };
  return { vpc, gateways, ...mac, newMac: newMac(), routeTable: '' };
}

function aclsOf(subnet: Subnet, nodes: readonly Cidr[]): readonly DesiredAcl[] {
  const cidrs = subnet.blocks.map(({ cidr }) => cidr);
  const { name, isPrivate, allowSubnets, acls, allowEwTraffic } = subnet;
  return [
    ...(isPrivate ? privateAcls({ subnet: name, cidrs, allowed: allowSubnets, nodes }) : []),
    ...ownAcls(acls, allowEwTraffic ? cidrs : []),
  ];
}

function dhcpOf(subnet: Subnet, leg: Interconnection | undefined): readonly DesiredDhcp[] {
  const { blocks, hasRouterPort, mtu, dhcpV4Options, dhcpV6Options } = subnet;
  // What OVN routes goes through tunnels.
  const defaultMtu = hasRouterPort ? OVERLAY_MTU : PHYSICAL_MTU;
  return blocks.map(({ family, cidr, gateway }) => {
    const defaults =
      family === 'IPv4'
        ? {
            lease_time: String(LEASE_SECONDS),
            router: (leg?.addresses.find((each) => each.family === family) ?? gateway).text,
            server_id: DHCP_SERVER,
            mtu: String(mtu ?? defaultMtu),
          }
        : {};
    const own = readOptions(family === 'IPv4' ? dhcpV4Options : dhcpV6Options);
    return { cidr, options: { ...defaults, ...own }, newMac: newMac() };
  });
}

/**
 * `name=value,name=value`, where blanks mean nothing. Several servers for names are in braces, with
 * `,` or as Kube-OVN has it `;` between them: `dns_server={1.1.1.1;8.8.8.8}`.
 */
function readOptions(text: string): Readonly<Record<string, string>> {
  const options: Record<string, string> = {};
  for (const entry of splitOptions(text.replace(/\s/g, ''))) {
    const at = entry.indexOf('=');
    const name = entry.slice(0, Math.max(at, 0));
    const value = entry.slice(at + 1);
    if (!/^[\w-]+$/.test(name) || value === '') continue;
    options[name] = name === 'dns_server' ? value.replaceAll(';', ',') : value;
  }
  return options;
}

/** Splits at commas that are not in braces. */
function splitOptions(text: string): readonly string[] {
  const entries: string[] = [];
  let begin = 0;
  let isInBraces = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{') isInBraces = true;
    else if (character === '}') isInBraces = false;
    else if (character === ',' && !isInBraces) {
      entries.push(text.slice(begin, at));
      begin = at + 1;
    }
  }
  return [...entries, text.slice(begin)];
}

/** A unicast address of those that nobody is assigned (IEEE 802, "locally administered"). */
function newMac(): string {
  const bytes = randomBytes(6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
