/**
 * Which Subnets, and which nodes, a Subnet may be in conflict with. What is known of all others stays when
 * one among thousands changes: only those whose addresses overlap its own are compared again.
 *
 * Of thousands with one CIDR, or with one routing table, the first ones are rivals of all others, which
 * is enough to find each of these wrong; that others of them are so, too, is not reported.
 */

import { type Address, bits } from '../../common/address.ts';
import type { Node } from '../kinds/node/object/node.ts';
import type { SubnetClaims, SubnetObject } from '../kinds/subnet/object/subnet.ts';
import { isEarlier } from '../model/meta.ts';
import { checkedValue } from '../model/problem.ts';
import { type CidrGroup, CidrGroups } from '../ranges/cidr-groups.ts';
import { CidrIndex } from '../ranges/cidr-index.ts';

/** Of one CIDR or routing table: those that came first. */
const FIRST_MAX = 4;

/** Whom Subnets are to be compared with, as of one `update`. */
export interface Rivals {
  /** Subnets of the same network that share an address or a routing table with it; the earliest first. */
  subnetsOf(object: SubnetObject): readonly SubnetObject[];
  /** Nodes that have an address of it, where it is in the default Vpc: elsewhere that does not matter. */
  nodesOf(object: SubnetObject): readonly Node[];
}

const NO_SUBNETS: readonly SubnetObject[] = [];
const NO_NODES: readonly Node[] = [];

/** Keeps from one update to the next which Subnets overlap. */
export class RivalIndex {
  /** By name. */
  readonly #objects = new Map<string, SubnetObject>();
  /** By the key of a network. */
  readonly #networks = new Map<string, CidrGroups<SubnetObject>>();
  /** Subnets that share an address with it; none for one that is not here. */
  readonly #overlapping = new Map<SubnetObject, readonly SubnetObject[]>();

  /** These are all Subnets and nodes now; Subnets are compared by identity. */
  update(all: readonly SubnetObject[], nodes: readonly Node[], defaultVpc: string): Rivals {
    this.#follow(all);
    const byEgress = sharingTables(all);
    const nodesOf = this.#nodesBySubnet(nodes, defaultVpc);
    return {
      subnetsOf: (object) => {
        const overlapping = this.#overlapping.get(object) ?? NO_SUBNETS;
        const sharing = byEgress.get(object);
        if (sharing === undefined) return overlapping;
        return sorted(new Set([...overlapping, ...sharing]));
      },
      nodesOf: (object) => nodesOf.get(object) ?? NO_NODES,
    };
  }

  #follow(all: readonly SubnetObject[]): void {
    const known = this.#objects;
    const added = all.filter((object) => known.get(object.meta.name) !== object);
    for (const object of added) {
      const before = known.get(object.meta.name);
      if (before !== undefined) this.#remove(before);
      known.set(object.meta.name, object);
      this.#add(object);
    }
    if (known.size > all.length) this.#removeAllBut(new Set(all));
    this.#compareChanged();
  }

  #removeAllBut(all: ReadonlySet<SubnetObject>): void {
    for (const [name, object] of this.#objects) {
      if (all.has(object)) continue;
      this.#objects.delete(name);
      this.#remove(object);
    }
  }

  #compareChanged(): void {
    const changed = new Set<SubnetObject>();
    for (const [key, groups] of this.#networks) {
      for (const { members } of groups.takeChanged()) {
        for (const { value } of members) changed.add(value);
      }
      if (groups.size === 0) this.#networks.delete(key);
    }
    this.#compare(changed);
  }

  #add(object: SubnetObject): void {
    const { claims } = object;
    const key = networkKey(claims);
    const groups = this.#networks.get(key) ?? new CidrGroups<SubnetObject>();
    this.#networks.set(key, groups);
    for (const cidr of claims.cidrs) groups.add(cidr, object);
  }

  #remove(object: SubnetObject): void {
    const { claims } = object;
    for (const cidr of claims.cidrs) this.#networks.get(networkKey(claims))?.remove(cidr, object);
    this.#overlapping.delete(object);
  }

  /** Finds those that overlap each of these; all that overlap one of them are among them. */
  #compare(objects: ReadonlySet<SubnetObject>): void {
    const pairs = new Pairs();
    const seen = new Set<CidrGroup<SubnetObject>>();
    for (const object of objects) {
      this.#overlapping.delete(object);
      for (const group of this.#groupsOf(object)) {
        if (!seen.has(group)) pairs.addGroup(group);
        seen.add(group);
      }
    }
    for (const object of objects) {
      const rivals = pairs.of(object);
      if (rivals.size > 0) this.#overlapping.set(object, sorted(rivals));
    }
  }

  #groupsOf({ claims }: SubnetObject): readonly CidrGroup<SubnetObject>[] {
    const groups = this.#networks.get(networkKey(claims));
    return claims.cidrs.flatMap((cidr) => groups?.groupOf(cidr) ?? []);
  }

  #nodesBySubnet(nodes: readonly Node[], defaultVpc: string) {
    const groups = this.#networks.get(networkKey(overlayOf(defaultVpc)));
    const found = new Map<SubnetObject, Node[]>();
    if (groups === undefined) return found;
    const indexOfGroup = new Map<CidrGroup<SubnetObject>, CidrIndex<SubnetObject>>();
    for (const node of nodes) {
      for (const subnet of new Set(node.internalAddresses.flatMap(subnetsWith))) {
        const own = found.get(subnet);
        if (own === undefined) found.set(subnet, [node]);
        else own.push(node);
      }
    }
    return found;

    function subnetsWith(address: Address): readonly SubnetObject[] {
      const { family, text: network } = address;
      const group = groups?.groupOf({ family, network, prefixLength: bits(family) });
      if (group === undefined) return [];
      const index = indexOfGroup.get(group) ?? indexOf(group);
      indexOfGroup.set(group, index);
      return index.containingAddress(address);
    }
  }
}

/** Those of a group by their networks, of each the first ones. */
function indexOf({ members }: CidrGroup<SubnetObject>): CidrIndex<SubnetObject> {
  const index = new CidrIndex<SubnetObject>(FIRST_MAX);
  const byAge = members.toSorted((one, other) => byAgeOf(one.value, other.value));
  for (const { cidr, value } of byAge) index.add(cidr, value);
  return index;
}

/** What networks of the default Vpc without a VLAN claim: a node's address in one could not be reached. */
function overlayOf(vpc: string): Network {
  return { isOvn: true, vlan: '', vpc, provider: '' };
}

/** Those that share a routing table, by each that has one; of thousands the first ones. */
function sharingTables(
  all: readonly SubnetObject[],
): ReadonlyMap<SubnetObject, ReadonlySet<SubnetObject>> {
  const withEgress = all.filter((object) => egressKey(object) !== undefined);
  const pairs = new Pairs();
  for (const group of Map.groupBy(withEgress, egressKey).values()) {
    const first = group.toSorted(byAgeOf).slice(0, FIRST_MAX);
    for (const object of group) pairs.addAll(object, first);
  }
  return new Map(withEgress.map((object) => [object, pairs.of(object)]));
}

function sorted(objects: ReadonlySet<SubnetObject>): readonly SubnetObject[] {
  return [...objects].sort(byAgeOf);
}

function byAgeOf(one: SubnetObject, other: SubnetObject): number {
  return isEarlier(one, other) ? -1 : 1;
}

/** Network and routing table of one with an egress gateway. */
function egressKey({ checked, claims }: SubnetObject): string | undefined {
  const subnet = checkedValue(checked);
  if (subnet === undefined || subnet.externalEgressGateway.length === 0) return undefined;
  return `${subnet.policyRoutingTableId} ${networkKey(claims)}`;
}

type Network = Pick<SubnetClaims, 'isOvn' | 'vlan' | 'vpc' | 'provider'>;

/** Subnets with one key are one network (see subnetConflicts). */
function networkKey(claims: Network): string {
  const known = NETWORK_KEYS.get(claims);
  if (known !== undefined) return known;
  const { isOvn, vlan, vpc, provider } = claims;
  const key = JSON.stringify([isOvn, vlan, vpc, isOvn ? '' : provider]);
  NETWORK_KEYS.set(claims, key);
  return key;
}

/** Keys are made once: those of all Subnets are looked at when one changes. */
const NETWORK_KEYS = new WeakMap<Network, string>();

/** Pairs of Subnets, either way round. */
class Pairs {
  readonly #others = new Map<SubnetObject, Set<SubnetObject>>();

  /** Those that share an address; of each network the first ones with all others. */
  addGroup(group: CidrGroup<SubnetObject>): void {
    if (group.members.length < 2) return;
    const index = indexOf(group);
    for (const { cidr, value } of group.members) this.addAll(value, index.containing(cidr));
  }

  addAll(one: SubnetObject, others: readonly SubnetObject[]): void {
    for (const other of others) {
      if (one === other) continue;
      this.#addOne(one, other);
      this.#addOne(other, one);
    }
  }

  of(object: SubnetObject): ReadonlySet<SubnetObject> {
    return this.#others.get(object) ?? new Set();
  }

  #addOne(one: SubnetObject, other: SubnetObject): void {
    const others = this.#others.get(one);
    if (others === undefined) this.#others.set(one, new Set([other]));
    else others.add(other);
  }
}
