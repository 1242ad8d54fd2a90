/**
 * What a Subnet says that would cut off those who have its addresses: its CIDR moved away from them,
 * its gateway onto one of them, its network taken out of OVN or into another Vpc. Pure.
 *
 * IP objects tell who has which address, since only controllers write them: what pods' annotations say
 * is not asked.
 */
import type { Address, Cidr } from '../../common/address.ts';
import { bits, cidrText, contains } from '../../common/address.ts';
import { isInterconnectionIp } from '../kinds/ip/object/interconnection-ip.ts';
import { type IpObject, isNew } from '../kinds/ip/object/ip.ts';
import type { SubnetObject } from '../kinds/subnet/object/subnet.ts';
import type { VpcObject } from '../kinds/vpc/object/vpc.ts';
import { checkedValue, type Problem, say } from '../model/problem.ts';
import { holdersText } from './holders.ts';

/** As many as an event needs to say that there are more than it names. */
const FOUND_MAX = 4;

/** Who would be cut off, and by what. */
interface CutOff {
  readonly outside: IpObject[];
  readonly atGateway: IpObject[];
  /** All who have ports in OVN: by what a Subnet is part of. */
  readonly ports: IpObject[];
}

/**
 * Everything that is wrong so with a Subnet, as the object says it now.
 * @param home the Vpc that it is in (`homeVpc`)
 */
export function inUseProblems(
  object: SubnetObject,
  ips: Iterable<IpObject>,
  home: string | undefined,
): readonly Problem[] {
  const { claims, meta, provider } = object;
  const gateways = gatewaysOf(object);
  const isLeaving = claims.isOvn && home !== undefined && home !== claims.vpc;
  const movesPorts = isLeaving || !claims.isOvn;
  const { outside, atGateway, ports } = cutOff(ips, { cidrs: claims.cidrs, gateways, movesPorts });
  const cidrs = claims.cidrs.map(cidrText).join(',') || 'none';
  const gateway = gateways.map(({ text }) => text).join(',');
  return [
    ...problem(outside, (who) => ({
      message: say`subnet ${meta.name} cidr ${cidrs} leaves out addresses in use, of ${who}`,
      advice: 'the Subnet stays as it was: take a CIDR that has them, or end those who have them',
    })),
    ...problem(atGateway, (who) => ({
      message: say`subnet ${meta.name} gateway ${gateway} is an address in use, of ${who}`,
      advice: 'the Subnet stays as it was: take another gateway, or end who has the address',
    })),
    ...problem(claims.isOvn ? [] : ports, (who) => ({
      message: say`subnet ${meta.name} provider ${provider} takes it out of OVN, while ports are on it, of ${who}`,
      advice: 'the Subnet stays as it was: set the provider back, or end those who have the ports',
    })),
    ...problem(isLeaving ? ports : [], (who) => ({
      message: say`subnet ${meta.name} is in vpc ${home}, and cannot go to vpc ${claims.vpc} while ports are on it, of ${who}`,
      advice: 'the Subnet stays as it was: set vpc back, or end those who have the ports',
    })),
  ];
}

interface Said {
  readonly cidrs: readonly Cidr[];
  readonly gateways: readonly Address[];
  /** True where all ports would be moved or removed. */
  readonly movesPorts: boolean;
}

/** Ends with the first that are found of one kind: an event names no more. */
function cutOff(ips: Iterable<IpObject>, { cidrs, gateways, movesPorts }: Said): CutOff {
  const found: CutOff = { outside: [], atGateway: [], ports: [] };
  for (const ip of ips) {
    if (!isInUse(ip)) continue;
    if (outsideOf(ip, cidrs).length > 0) found.outside.push(ip);
    if (hasAny(ip, gateways)) found.atGateway.push(ip);
    // Of an interface that another plugin makes, an IP object has no MAC.
    if (movesPorts && ip.spec.macAddress !== '') found.ports.push(ip);
    if (Math.max(found.outside.length, found.ports.length) >= FOUND_MAX) break;
  }
  return found;
}

/** The router's own leg is cut off by nothing: it moves with its Subnet. */
function isInUse(ip: IpObject): boolean {
  return !(isNew(ip) || ip.meta.deleting || isInterconnectionIp(ip));
}

/** Addresses in use that the CIDRs of a Subnet leave out, each as a network of one. */
export function hostsOutside({ claims }: SubnetObject, ips: Iterable<IpObject>): readonly Cidr[] {
  const hosts: Cidr[] = [];
  for (const ip of ips) {
    if (!isInUse(ip)) continue;
    for (const { family, text } of outsideOf(ip, claims.cidrs)) {
      hosts.push({ family, network: text, prefixLength: bits(family) });
    }
  }
  return hosts;
}

/** The Vpc that says that a Subnet is in it: of two the one that the Subnet is to leave. */
export function homeVpc({ meta, claims }: SubnetObject, vpcs: Iterable<VpcObject>) {
  let home: string | undefined;
  for (const vpc of vpcs) {
    if (!vpc.status.subnets.includes(meta.name)) continue;
    if (vpc.meta.name !== claims.vpc) return vpc.meta.name;
    home = vpc.meta.name;
  }
  return home;
}

/** Of a Subnet whose router claims them; another network's gateway is whoever has the address. */
function gatewaysOf({ checked }: SubnetObject): readonly Address[] {
  const subnet = checkedValue(checked);
  return subnet?.hasRouterPort ? subnet.blocks.map(({ gateway }) => gateway) : [];
}

function outsideOf({ addresses }: IpObject, cidrs: readonly Cidr[]): readonly Address[] {
  return addresses.filter((address) => !cidrs.some((cidr) => contains(cidr, address)));
}

function hasAny({ addresses }: IpObject, wanted: readonly Address[]): boolean {
  return wanted.some(({ text }) => addresses.some((address) => address.text === text));
}

function problem(ips: readonly IpObject[], make: (who: string) => Problem): readonly Problem[] {
  return ips.length === 0 ? [] : [make(holdersText(ips))];
}
