/**
 * Subnet: a range of addresses, and where the NICs that have them are attached.
 */
import type { Address, Cidr, Family } from '../../../../common/address.ts';
import type { LabelSelector } from '../../../../common/label-selector.ts';
import type { MergePatch, Meta } from '../../../model/meta.ts';
import type { Checked } from '../../../model/problem.ts';
import type { UsageStatus } from '../../../model/usage-status.ts';
import type { AddressRange } from '../../../ranges/address-range.ts';

/** `Mac` is an underlay network whose addresses an external DHCP server gives. */
export type Protocol = Family | 'Dual' | 'Mac';

/** What a Subnet has of one IP family. */
export interface SubnetBlock {
  readonly family: Family;
  readonly cidr: Cidr;
  /** Not given to NICs, whether or not anything has it. */
  readonly gateway: Address;
}

/** One ACL that the user asks for. */
export interface SubnetAcl {
  readonly direction: 'from-lport' | 'to-lport';
  readonly priority: number;
  /** In OVN's language; taken as it is. */
  readonly match: string;
  readonly action: AclAction;
}

/** What OVN does with a packet that an ACL matches (ovn-nb(5), "ACL", `action`). */
export type AclAction = 'allow' | 'allow-related' | 'allow-stateless' | 'drop' | 'pass' | 'reject';

/** A Subnet that is as it has to be, with everything that it does not say itself filled in. */
export interface Subnet extends SubnetNetwork, SubnetOptions {
  readonly name: string;
  /** IPv4 before IPv6; none for protocol `Mac`. */
  readonly blocks: readonly SubnetBlock[];
  /** `cidr`, `v4,v6`, or empty. */
  readonly cidrBlock: string;
  /** Like `cidrBlock`. */
  readonly gateway: string;
  readonly protocol: Protocol;
  /** False where its pods reach Services by their nodes alone; OVN's load balancers are not made here. */
  readonly enableLb: boolean;
  /** What no NIC gets unless it asks for it; gateways included; none overlaps another. */
  readonly excludes: readonly AddressRange[];
}

/** What a Subnet is part of. */
export interface SubnetNetwork {
  /** `ovn`, `name.namespace.ovn`, or `name.namespace` of an IPAM-only network. */
  readonly provider: string;
  /** True where OVN makes the network: there is a logical switch. */
  readonly isOvn: boolean;
  /** Empty where OVN does not make the network and nobody said otherwise. */
  readonly vpc: string;
  /** Name of a Vlan; empty for an overlay network. */
  readonly vlan: string;
  readonly logicalGateway: boolean;
  /** True where the gateway is outside, and a router of OVN has a leg beside it (interconnection.ts). */
  readonly u2oInterconnection: boolean;
  /** True where the Subnet reaches overlay Subnets by that, and no other underlay. */
  readonly overlayOnlyRouting: boolean;
  /** True where OVN's router has a port in it. */
  readonly hasRouterPort: boolean;
  readonly namespaces: readonly string[];
  readonly namespaceSelectors: readonly LabelSelector[];
}

/** What a Subnet says besides its addresses and its network. */
export interface SubnetOptions {
  readonly gatewayType: '' | 'distributed' | 'centralized';
  /** Bytes. */
  readonly mtu?: number;
  readonly isPrivate: boolean;
  readonly allowSubnets: readonly Cidr[];
  readonly allowEwTraffic: boolean;
  readonly acls: readonly SubnetAcl[];
  readonly natOutgoing: boolean;
  readonly externalEgressGateway: readonly Address[];
  readonly policyRoutingTableId: number;
  readonly vips: readonly Address[];
  /** Of the router's leg; none for any. */
  readonly u2oAddresses: readonly Address[];
  readonly enableDhcp: boolean;
  readonly dhcpV4Options: string;
  readonly dhcpV6Options: string;
}

/**
 * What a Subnet has taken, also where something else is wrong with it: its pods run on, and nobody
 * else is to have their addresses.
 */
export interface SubnetClaims
  extends Pick<SubnetNetwork, 'provider' | 'isOvn' | 'vpc' | 'vlan' | 'hasRouterPort'> {
  /** Those that can be read. */
  readonly cidrs: readonly Cidr[];
}

/** What the status says of the router's leg; empty texts where there is none. */
export interface InterconnectionStatus {
  readonly u2oInterconnectionIP: string;
  readonly u2oInterconnectionMAC: string;
  /** The Vpc whose router has it. */
  readonly u2oInterconnectionVPC: string;
}

/** What is kept of a Subnet object. */
export interface SubnetObject {
  readonly meta: Meta;
  readonly claims: SubnetClaims;
  /** Also of a Subnet with which something is wrong. */
  readonly provider: string;
  readonly checked: Checked<Subnet>;
  readonly status: UsageStatus;
  readonly interconnection: InterconnectionStatus;
  /** True where what it says is not in force, since its addresses are in use: see validation/validate.ts. */
  readonly isHeldBack?: true;
  /** What it says then, where nothing else is wrong with it. */
  readonly said?: Subnet;
  /** What the object itself does not say yet and is to say: a merge patch. */
  readonly defaults?: MergePatch;
  /** What it says, and nothing comes of it: it stays as the user wrote it, and an event says so. */
  readonly notes: readonly string[];
  /** True where a new cluster began with it: what it says is not a user's word. */
  readonly isByBootstrap: boolean;
}

/** True for an underlay network of which we give out MACs only. */
export function isMacOnly({ protocol }: Pick<Subnet, 'protocol'>): boolean {
  return protocol === 'Mac';
}
