/**
 * Which Subnets, and which nodes, a Subnet may be in conflict with: found for all Subnets at once, so
 * that a change of one among thousands does not compare each with each. Pure.
 *
 * Of thousands with one CIDR, or with one routing table, the first ones are rivals of all others, which
 * is enough to find each of these wrong; that others of them are so, too, is not told.
 */

import type { Node } from '../kinds/node/object/node.ts';
import type { SubnetClaims, SubnetObject } from '../kinds/subnet/object/subnet.ts';
import { isEarlier } from '../model/meta.ts';
import { checkedValue } from '../model/problem.ts';
import { CidrIndex } from '../ranges/cidr-index.ts';

/** Of one CIDR or routing table: those that came first. */
const FIRST_MAX = 4;

export interface Rivals {
  /** Subnets of the same network that share an address or a routing table with it, in their order. */
  subnetsOf(object: SubnetObject): readonly SubnetObject[];
  /** Nodes that have an address of it, where it is in the default Vpc: elsewhere that does not matter. */
  nodesOf(object: SubnetObject): readonly Node[];
}

export function findRivals(
  all: readonly SubnetObject[],
  nodes: readonly Node[],
  defaultVpc: string,
): Rivals {
  const subnets = new Pairs(all);
  const byAge = all.toSorted((one, other) => (isEarlier(one, other) ? -1 : 1));
  for (const group of grouped(byAge, (object) => networkKey(object.claims))) {
    const index = indexOf(group);
    for (const object of group) {
      for (const cidr of object.claims.cidrs) subnets.addAll(object, index.containing(cidr));
    }
  }
  for (const group of grouped(byAge, egressKey)) {
    const first = group.slice(0, FIRST_MAX);
    for (const object of group) subnets.addAll(object, first);
  }
  const reaching = byAge.filter(({ claims: { isOvn, vlan, vpc } }) => {
    return isOvn && vlan === '' && vpc === defaultVpc;
  });
  const nodesOf = nodesBySubnet(nodes, indexOf(reaching));
  return {
    subnetsOf: (object) => subnets.of(object),
    nodesOf: (object) => nodesOf.get(object) ?? [],
  };
}

function indexOf(byAge: readonly SubnetObject[]): CidrIndex<SubnetObject> {
  const index = new CidrIndex<SubnetObject>(FIRST_MAX);
  for (const object of byAge) for (const cidr of object.claims.cidrs) index.add(cidr, object);
  return index;
}

/** Those with one key together; those without a key are in no group. */
function grouped(
  all: readonly SubnetObject[],
  keyOf: (object: SubnetObject) => string | undefined,
): Iterable<readonly SubnetObject[]> {
  return Map.groupBy(
    all.filter((object) => keyOf(object) !== undefined),
    keyOf,
  ).values();
}

/** Network and routing table of one with an egress gateway. */
function egressKey({ checked, claims }: SubnetObject): string | undefined {
  const subnet = checkedValue(checked);
  if (subnet === undefined || subnet.externalEgressGateway.length === 0) return undefined;
  return `${subnet.policyRoutingTableId} ${networkKey(claims)}`;
}

function nodesBySubnet(nodes: readonly Node[], index: CidrIndex<SubnetObject>) {
  const found = new Map<SubnetObject, Node[]>();
  for (const node of nodes) {
    const subnets = new Set(
      node.internalAddresses.flatMap((address) => index.containingAddress(address)),
    );
    for (const subnet of subnets) {
      const own = found.get(subnet);
      if (own === undefined) found.set(subnet, [node]);
      else own.push(node);
    }
  }
  return found;
}

/** Subnets with one key are one network (see subnetConflicts). */
function networkKey(claims: SubnetClaims): string {
  const known = NETWORK_KEYS.get(claims);
  if (known !== undefined) return known;
  const { isOvn, vlan, vpc, provider } = claims;
  const key = JSON.stringify([isOvn, vlan, vpc, isOvn ? '' : provider]);
  NETWORK_KEYS.set(claims, key);
  return key;
}

/** Keys are made once: those of all Subnets are looked at when one changes. */
const NETWORK_KEYS = new WeakMap<SubnetClaims, string>();

/** Pairs of Subnets, either way round. */
class Pairs {
  readonly #places: ReadonlyMap<SubnetObject, number>;
  readonly #others = new Map<SubnetObject, Set<SubnetObject>>();

  constructor(all: readonly SubnetObject[]) {
    this.#places = new Map(all.map((object, index) => [object, index]));
  }

  addAll(one: SubnetObject, others: readonly SubnetObject[]): void {
    for (const other of others) {
      if (one === other) continue;
      this.#addOne(one, other);
      this.#addOne(other, one);
    }
  }

  of(object: SubnetObject): readonly SubnetObject[] {
    const place = (each: SubnetObject) => this.#places.get(each) ?? 0;
    return [...(this.#others.get(object) ?? [])].sort((one, other) => place(one) - place(other));
  }

  #addOne(one: SubnetObject, other: SubnetObject): void {
    const others = this.#others.get(one);
    if (others === undefined) this.#others.set(one, new Set([other]));
    else others.add(other);
  }
}
