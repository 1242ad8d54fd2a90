/**
 * Which changes of objects matter to others: most are of a status, which we write ourselves. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../../common/kubernetes/watch-cache.ts';
import type { Meta } from '../model/meta.ts';
import { hasSameResult } from '../validation/validate.ts';
import type { IpPoolObject } from './ippool/object/ippool.ts';
import type { Node } from './node/object/node.ts';
import type { SubnetObject } from './subnet/object/subnet.ts';
import { isOtherVlan, type VlanObject } from './vlan/object/vlan.ts';
import type { VpcObject } from './vpc/object/vpc.ts';

/** True where NICs can have other things of a Subnet or an IPPool than before. */
export function affectsNics({
  type,
  value,
  previous,
}: Change<SubnetObject | IpPoolObject>): boolean {
  return type === 'deleted' || !hasSameResult(value, previous);
}

/** True where a router has another address in an underlay Subnet than before. */
export function hasOtherLeg({ value, previous }: Change<SubnetObject>): boolean {
  return !isDeepStrictEqual(value.interconnection, previous?.interconnection);
}

/** True where a Vpc says something else than before. */
export function hasVpcChanged({ type, value, previous }: Change<VpcObject>): boolean {
  return type === 'deleted' || !isDeepStrictEqual(value.checked, previous?.checked);
}

/** True where a Vlan is another thing to the Subnets in it: most changes are of their names. */
export function hasVlanChanged({ type, value, previous }: Change<VlanObject>): boolean {
  return type !== 'updated' || isOtherVlan(value, previous);
}

/** True where a node has other addresses than before. */
export function hasOtherAddresses({ type, value, previous }: Change<Node>): boolean {
  if (type !== 'updated') return true;
  return !isDeepStrictEqual(value.internalAddresses, previous?.internalAddresses);
}

/** True for an object that came or went, or is to go. */
export function cameOrWent({ type, value, previous }: Change<{ readonly meta: Meta }>): boolean {
  return type !== 'updated' || value.meta.deleting !== previous?.meta.deleting;
}

/** True for an object that came or went, and for one of which something else is known. */
export function isOther({ type, value, previous }: Change<unknown>): boolean {
  return type !== 'updated' || !isDeepStrictEqual(value, previous);
}
