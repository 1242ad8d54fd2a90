/**
 * What the northbound database is to hold, by object. Plain and immutable; every address, network
 * and MAC is a checked value. Whoever makes these has validated the objects: here is no default.
 */
import type { Address, Cidr, Family } from '../../common/address.ts';

/** The router of a Vpc. */
export interface DesiredRouter {
  /** The Vpc's name. */
  readonly name: string;
  /** Where something outside of OVN announces itself by asking: peerings, external networks. */
  readonly learnsFromArpRequests: boolean;
  readonly routes: readonly DesiredRoute[];
  readonly policies: readonly DesiredPolicy[];
  /** Subnets whose policies stay as they are, since it cannot be read what they should be. */
  readonly unreadable: ReadonlySet<string>;
  readonly overlay: DesiredOverlay;
  /** Subnets with a leg of the router, whose sets and groups the policies name. */
  readonly legs: readonly DesiredLeg[];
  /** Subnets of the Vpc that have none. */
  readonly withoutLegs: readonly string[];
}

/** A leg of a router in an underlay Subnet. */
export interface DesiredLeg {
  readonly subnet: string;
  /** Nodes whose groups of the Subnet's ports policies name. */
  readonly nodes: readonly string[];
}

/** The networks of a Vpc's overlay Subnets, which policies may name as a set. */
export interface DesiredOverlay {
  readonly cidrs: readonly Cidr[];
  /** Whether a policy names them. */
  readonly isNeeded: boolean;
}

/** Several routes with one prefix are one route of equal cost. */
export interface DesiredRoute {
  readonly by: 'dst-ip' | 'src-ip';
  readonly prefix: Cidr;
  readonly nexthop: Address;
  /** Empty for the main one. */
  readonly routeTable: string;
  /** True where any other route for the same prefix takes its place, whoever made that. */
  readonly isFallback?: boolean;
}

/** One routing policy of a router (ovn-nb(5), "Logical_Router_Policy"). */
export interface DesiredPolicy {
  /** Highest first, 0 to 32767. */
  readonly priority: number;
  /** An expression of OVN's: a user's own, or one of `subnetPolicies`. */
  readonly match: string;
  readonly action: 'allow' | 'drop' | 'reroute';
  readonly nexthops: readonly Address[];
  /** The Subnet that it is there for, if any. */
  readonly subnet?: string;
  /** Marks of what it is for, besides (`external_ids`). */
  readonly ids?: Readonly<Record<string, string>>;
}

/** The logical switch of a Subnet. */
export interface DesiredSwitch {
  /** The Subnet's name. */
  readonly name: string;
  readonly attachment?: DesiredAttachment;
  /** How it is connected to a provider network; absent for an overlay. */
  readonly localnet?: DesiredLocalnet;
  /** Addresses of all nodes, for a Subnet with a router's leg, whose policies name them; absent for others. */
  readonly nodes?: readonly Address[];
  /** By node, where its policies name them; none for most. */
  readonly nodeGroups?: readonly DesiredNodeGroup[];
  readonly dhcp: readonly DesiredDhcp[];
  readonly acls: readonly DesiredAcl[];
}

/** The ports of a Subnet that are on one node. */
export interface DesiredNodeGroup {
  readonly node: string;
  /** Names of the ports. */
  readonly ports: readonly string[];
}

/** The port of a Subnet to a provider network, whose other end is each node's provider bridge. */
export interface DesiredLocalnet {
  /** Name of the provider network, by which nodes find the bridge (`ovn-bridge-mappings`). */
  readonly network: string;
  /** IEEE 802.1Q's id; absent for untagged. */
  readonly tag?: number;
  /** The Subnet's networks, which Kube-OVN notes on the port. */
  readonly cidrs: readonly Cidr[];
}

/** How a Subnet is attached to its Vpc's router. */
export interface DesiredAttachment {
  readonly vpc: string;
  /** Addresses of the router in the Subnet, one per family. */
  readonly gateways: readonly { readonly address: Address; readonly prefixLength: number }[];
  /** The router's MAC there; absent where one that is there keeps its own. */
  readonly mac?: string;
  /** For a router port that is made now. */
  readonly newMac: string;
  /** Empty for the main one. */
  readonly routeTable: string;
}

/** OVN's own DHCP server for one family of a Subnet. */
export interface DesiredDhcp {
  readonly cidr: Cidr;
  /** As ovn-nb(5), "DHCP_Options", has them, without the server's MAC. */
  readonly options: Readonly<Record<string, string>>;
  /** The server's, for options that are made now; those that are there keep their own. */
  readonly newMac: string;
}

/** One ACL of a switch or a port group (ovn-nb(5), "ACL"). */
export interface DesiredAcl {
  /** `to-lport` is to the pod, `from-lport` from it. */
  readonly direction: 'to-lport' | 'from-lport';
  readonly priority: number;
  readonly match: string;
  readonly action: 'allow' | 'allow-related' | 'allow-stateless' | 'drop' | 'reject' | 'pass';
  /** OVN's, 0 to 3; lower ones are asked first. */
  readonly tier: number;
  /** Writes a line to ovn-controller's log for each packet. */
  readonly log?: { readonly name: string; readonly severity: 'warning' };
}

/** The logical switch port of one NIC of a pod. */
export interface DesiredPort {
  readonly name: string;
  readonly subnet: string;
  /** The Subnet's Vpc. */
  readonly vpc: string;
  readonly mac: string;
  /** None for a NIC whose addresses something outside hands out. */
  readonly addresses: readonly Address[];
  /** Gets what is for MACs that no port has (annotation `layer2_forward`). */
  readonly takesUnknown: boolean;
  /** May send from its own addresses only (annotation `port_security`). */
  readonly isSecured: boolean;
  /** Addresses besides its own that it may send from (annotation `port_vips`). */
  readonly virtualAddresses: readonly Address[];
  /** As the pod lists them. One that does not exist (yet) allows nothing: a port that lists no other is closed. */
  readonly securityGroups: readonly { readonly name: string; readonly exists: boolean }[];
}

/** The port group, the address sets and the ACLs of a SecurityGroup. */
export interface DesiredSecurityGroup {
  readonly name: string;
  /** 1 is asked only where a rule of 0 says `pass`. */
  readonly tier: 0 | 1;
  readonly allowsSameGroup: boolean;
  readonly rules: readonly DesiredRule[];
}

/** One rule of a SecurityGroup, of which an ACL is made. */
export interface DesiredRule {
  readonly direction: 'ingress' | 'egress';
  /** 1 is the first, 16384 the last. */
  readonly priority: number;
  readonly remote: { readonly network: Cidr } | { readonly group: string; readonly family: Family };
  /** The pod's own address; of the remote's family. */
  readonly local?: Cidr;
  readonly protocol:
    | { readonly name: 'all' | 'icmp' }
    | {
        readonly name: 'tcp' | 'udp';
        readonly ports: PortRange;
        readonly sourcePorts?: PortRange;
      };
  readonly policy: 'allow' | 'drop' | 'pass';
}

/** Both ends belong to it. */
export interface PortRange {
  readonly min: number;
  readonly max: number;
}
