/**
 * What we keep of a Subnet object, and which Subnet a NIC belongs to.
 */

import {
  type Address,
  type Cidr,
  parseAddress,
  parseCidr,
  parseMac,
} from '../../common/address.ts';

/** One Subnet, as ADD and STATUS go by it. */
export interface Subnet {
  readonly name: string;
  readonly provider: string;
  /** One of each family at most; what is no CIDR is left out. */
  readonly cidrs: readonly Cidr[];
  /** One of each family at most. */
  readonly gateways: readonly Address[];
  /** Bytes, as the Subnet has it; undefined where it does not say. */
  readonly mtu?: number;
  /** True for an underlay network without a gateway inside OVN: addresses there can be taken. */
  readonly underlay: boolean;
  /** True for an underlay network that OVN's router has an address on, too. */
  readonly u2oInterconnection: boolean;
  /** That address, one per family, as the controller has written it; none before. */
  readonly u2oGateways: readonly string[];
  /** MAC of that address; undefined before the controller has written one. */
  readonly u2oMac?: string;
  /** Name of the Vlan; empty for an overlay network. */
  readonly vlan: string;
  /** True where Services may have addresses of it for callers outside (`enableExternalLBAddress`). */
  readonly givesServiceAddresses: boolean;
  readonly disableGatewayCheck: boolean;
  /** Name of the node network for this Subnet's tunnels; empty for the default one. */
  readonly nodeNetwork: string;
  /** True where the controller has counted that no address is left for a pod. */
  readonly exhausted: boolean;
  /** True once it has a deletionTimestamp: it goes with the last of its addresses. */
  readonly terminating: boolean;
}

/** A raw Subnet as the API server sends it, reduced to what we use. */
export function projectSubnet(raw: unknown): Subnet {
  const { metadata, spec = {}, status = {} } = raw as RawSubnet;
  const underlay = Boolean(spec.vlan) && spec.logicalGateway !== true;
  const u2o = underlay && spec.u2oInterconnection === true;
  const u2oMac = u2o ? parseMac(status.u2oInterconnectionMAC ?? '') : undefined;
  return {
    name: metadata.name,
    provider: spec.provider ?? '',
    cidrs: splitList(spec.cidrBlock).flatMap((text) => parseCidr(text) ?? []),
    gateways: splitList(spec.gateway).flatMap((text) => parseAddress(text) ?? []),
    ...(spec.mtu ? { mtu: spec.mtu } : {}),
    underlay,
    u2oInterconnection: u2o,
    u2oGateways: u2o ? (status.u2oInterconnectionIP ?? '').split(',').filter(Boolean) : [],
    ...(u2oMac === undefined ? {} : { u2oMac }),
    vlan: spec.vlan ?? '',
    givesServiceAddresses: Boolean(spec.vlan) && spec.enableExternalLBAddress === true,
    disableGatewayCheck: spec.disableGatewayCheck === true,
    nodeNetwork: spec.nodeNetwork ?? '',
    exhausted: isExhausted(spec.cidrBlock ?? '', status),
    terminating: Boolean(metadata.deletionTimestamp),
  };
}

function splitList(text = ''): string[] {
  return text.split(',').map((part) => part.trim());
}

/**
 * A pod of a dual-stack Subnet needs an address of each family. Of a family that the Subnet does
 * not have, and of a Subnet without addresses, the controller writes 0, too.
 */
function isExhausted(cidrBlock: string, { v4availableIPs, v6availableIPs }: RawStatus): boolean {
  const left = cidrBlock
    .split(',')
    .filter(Boolean)
    .map((block) => (block.includes(':') ? v6availableIPs : v4availableIPs));
  // A count that is missing is not a number here, and not 0.
  return left.some((count) => Number.parseFloat(String(count)) === 0);
}

interface RawSubnet {
  metadata: { name: string; deletionTimestamp?: string | null };
  spec?: {
    provider?: string;
    cidrBlock?: string;
    gateway?: string;
    mtu?: number;
    vlan?: string;
    logicalGateway?: boolean;
    u2oInterconnection?: boolean;
    enableExternalLBAddress?: boolean;
    disableGatewayCheck?: boolean;
    nodeNetwork?: string;
  };
  status?: RawStatus;
}

/** Kube-OVN takes counts of addresses as numbers and as texts of digits. */
interface RawStatus {
  u2oInterconnectionIP?: string;
  u2oInterconnectionMAC?: string;
  v4availableIPs?: number | string;
  v6availableIPs?: number | string;
}

/**
 * The Subnet of a network: by provider, the first by name where several have it, and one that is
 * being deleted only where there is no other. Every Subnet of the primary network has the provider
 * `ovn`, so that one says nothing there.
 */
export function subnetOfProvider(subnets: Iterable<Subnet>, provider: string): Subnet | undefined {
  if (provider === 'ovn') return undefined;
  let first: Subnet | undefined;
  for (const subnet of subnets) {
    if (subnet.provider === provider && goesBefore(subnet, first)) first = subnet;
  }
  return first;
}

function goesBefore(one: Subnet, other: Subnet | undefined): boolean {
  if (other === undefined) return true;
  if (one.terminating !== other.terminating) return other.terminating;
  return one.name < other.name;
}
