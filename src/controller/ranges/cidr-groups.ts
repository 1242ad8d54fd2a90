/**
 * Values by networks, in groups: of a network that lies in no other, and of all that lie in it. Two
 * networks overlap only within a group, so that a change of one concerns its group alone, and that is
 * mostly the network itself.
 */
import { bits, type Cidr } from '../../common/address.ts';
import { keyOf, numberOfCidr } from './cidr-index.ts';

/** Networks that lie in one of them, with a value each. */
export interface CidrGroup<T> {
  /** The network in which all others lie. */
  readonly cidr: Cidr;
  readonly members: readonly Member<T>[];
}

interface Member<T> {
  readonly cidr: Cidr;
  readonly value: T;
}

interface Group<T> extends CidrGroup<T> {
  readonly members: Member<T>[];
}

/** Groups that follow what is added and removed; a value may be there under several networks. */
export class CidrGroups<T> {
  /** By the network in which all others lie. */
  readonly #groups = new Map<string | number, Group<T>>();
  /** How many groups there are by family and prefix length. */
  readonly #lengths = { IPv4: new Map<number, number>(), IPv6: new Map<number, number>() };
  #changed = new Set<Group<T>>();

  /** How many groups there are. */
  get size(): number {
    return this.#groups.size;
  }

  add(cidr: Cidr, value: T): void {
    this.#addMember({ cidr, value });
  }

  remove(cidr: Cidr, value: T): void {
    const group = this.#groupOf(cidr);
    if (group === undefined) return;
    const at = group.members.findIndex((one) => one.value === value && isSameCidr(one.cidr, cidr));
    if (at === -1) return;
    group.members.splice(at, 1);
    this.#changed.add(group);
    if (group.members.some((one) => isSameCidr(one.cidr, group.cidr))) return;
    // The network around them has gone: each of them may be in a group of its own now.
    this.#delete(group);
    for (const member of group.members) this.#addMember(member);
  }

  /** The group in which `cidr` lies, or would lie; undefined for none. O(prefix lengths of groups). */
  groupOf(cidr: Cidr): CidrGroup<T> | undefined {
    return this.#groupOf(cidr);
  }

  /** The groups that have other members than at the last call. */
  takeChanged(): readonly CidrGroup<T>[] {
    const changed = [...this.#changed];
    this.#changed = new Set();
    return changed;
  }

  #addMember(member: Member<T>): void {
    const group = this.#groupOf(member.cidr) ?? this.#create(member.cidr);
    group.members.push(member);
    this.#changed.add(group);
  }

  /** A group whose network lies in no other; those that lie in it become one with it. */
  #create(cidr: Cidr): Group<T> {
    const group: Group<T> = { cidr, members: [] };
    for (const inner of this.#within(cidr)) {
      for (const member of inner.members) group.members.push(member);
      this.#delete(inner);
    }
    this.#groups.set(keyOfCidr(cidr), group);
    this.#count(cidr, 1);
    return group;
  }

  /** The groups within a network; looked for only where there are smaller ones. */
  #within(cidr: Cidr): readonly Group<T>[] {
    const { family, prefixLength } = cidr;
    if (![...this.#lengths[family].keys()].some((length) => length > prefixLength)) return [];
    const shift = BigInt(bits(family) - prefixLength);
    const prefix = numberOfCidr(cidr) >> shift;
    return [...this.#groups.values()].filter(({ cidr: one }) => {
      if (one.family !== family || one.prefixLength < prefixLength) return false;
      return numberOfCidr(one) >> shift === prefix;
    });
  }

  #groupOf(cidr: Cidr): Group<T> | undefined {
    const { family, prefixLength } = cidr;
    const number = numberOfCidr(cidr);
    for (const length of this.#lengths[family].keys()) {
      const group =
        length <= prefixLength ? this.#groups.get(keyOf(family, length, number)) : undefined;
      if (group !== undefined) return group;
    }
    return undefined;
  }

  #delete(group: Group<T>): void {
    this.#groups.delete(keyOfCidr(group.cidr));
    this.#changed.delete(group);
    this.#count(group.cidr, -1);
  }

  #count({ family, prefixLength }: Cidr, by: 1 | -1): void {
    const count = (this.#lengths[family].get(prefixLength) ?? 0) + by;
    if (count === 0) this.#lengths[family].delete(prefixLength);
    else this.#lengths[family].set(prefixLength, count);
  }
}

function keyOfCidr(cidr: Cidr): string | number {
  return keyOf(cidr.family, cidr.prefixLength, numberOfCidr(cidr));
}

function isSameCidr(one: Cidr, other: Cidr): boolean {
  return one === other || keyOfCidr(one) === keyOfCidr(other);
}
