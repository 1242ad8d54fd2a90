/**
 * What a pod's NICs are to be, and what that is decided by.
 */
import type { Address, Family } from '../../common/address.ts';
import type { AddressRequest, MacRequest } from '../ipam/allocator/request.ts';
import type { IpPoolObject } from '../kinds/ippool/object/ippool.ts';
import type { Nad } from '../kinds/nad/object/nad.ts';
import type { Namespace } from '../kinds/namespace/object/namespace.ts';
import type { NicKind } from '../kinds/pod/object/allocated-nic.ts';
import type { Subnet } from '../kinds/subnet/object/subnet.ts';
import type { VpcObject } from '../kinds/vpc/object/vpc.ts';
import type { ObjectEvent } from '../model/events.ts';
import type { Problem, Problems } from '../model/problem.ts';
import type { ClusterSettings } from '../model/settings.ts';
import type { SubnetIndex } from './subnet-index.ts';

/** One NIC that a pod is to have. */
export interface NicRequest {
  readonly kind: NicKind;
  /** What its annotations are under; ends with the interface where NICs share a network. */
  readonly provider: string;
  /** Its key: name of its logical switch port and of its IP object. */
  readonly port: string;
  /** True for eth0: the primary network, or the one that takes its place. */
  readonly isDefault: boolean;
  /** Its NetworkAttachmentDefinition; the primary network has none. */
  readonly nad?: { readonly namespace: string; readonly name: string };
  /** The interface that the pod asks for. */
  readonly ifName?: string;
  /** The only family that it is to have addresses of. */
  readonly family?: Family;
  readonly mac: MacRequest;
  /** Tried in this order: the first that succeeds decides, and the last failure is reported. */
  readonly attempts: readonly [Attempt, ...Attempt[]];
  /** True where its addresses were published to the pod: the only attempt is for those. */
  readonly isPublished: boolean;
  /** What is asked for by name now, of a NIC that has been given its addresses. */
  readonly asked?: Asked;
}

/** Addresses and MAC that a pod asks for by name, and where it does. */
export interface Asked {
  /** None where it asks for none. */
  readonly addresses: readonly Address[];
  readonly mac?: string;
  /** "annotation net.shop.ovn.kubernetes.io/ip_address" */
  readonly where: string;
}

/** Addresses of one Subnet. */
export interface Attempt {
  readonly subnet: Subnet;
  readonly addresses: AddressRequest;
}

/**
 * The NICs of a pod, in the order in which its annotations have them, or what is wrong: then it
 * gets none, since a pod starts with all its NICs or not at all. Events say what else is to be
 * known, and for problems what is wrong.
 */
export type PodNetworks =
  | { readonly nics: readonly NicRequest[]; readonly events: readonly ObjectEvent[] }
  | { readonly problems: Problems; readonly events: readonly ObjectEvent[] };

/** What is known of the cluster. */
export interface NetworkView {
  readonly settings: ClusterSettings;
  readonly subnets: SubnetIndex;
  nad(namespace: string, name: string): Nad | undefined;
  ipPool(name: string): IpPoolObject | undefined;
  ipPools(): Iterable<IpPoolObject>;
  /** Why no IPPool is known, where that is no matter of course. */
  lackOfIpPools(): Problem | undefined;
  namespace(name: string): Namespace | undefined;
  vpcs(): Iterable<VpcObject>;
  /** Who has addresses of a Subnet, in words; empty for nobody. */
  holdersOf(subnet: string): string;
}

/** The part of a NIC request that is about its addresses and its MAC. */
export type RequestedAddresses = Pick<
  NicRequest,
  'family' | 'mac' | 'attempts' | 'isPublished' | 'asked'
>;

/** Subnets that a NIC may be on, the one that it is on unless something else is asked for first. */
export type Candidates = readonly [Subnet, ...Subnet[]];
