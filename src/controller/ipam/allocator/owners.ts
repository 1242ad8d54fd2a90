/**
 * Who has what: of IP addresses, by number, and of MAC addresses, by text. There is one owner of
 * each; only where who asks is known to be the same as who has it, as the two pods of a virtual
 * machine are while it migrates, there are more.
 */

/** A NIC. */
export interface Owner {
  /** Name of its port: `<pod>.<namespace>`, and for a secondary network `.<provider>`. */
  readonly nic: string;
  /** Key of whose it is: a pod, or a virtual machine (see `ownerOfPod`). */
  readonly pod: string;
}

/** Whether a NIC may have what this owner has already. */
export type MayShare = (other: Owner) => boolean;

/** The answer for nearly every NIC. */
export const neverShared: MayShare = () => false;

/** The owners of each key: nearly always one, and several only where they may share it. */
export class Owners<K> {
  readonly #owners = new Map<K, readonly Owner[]>();

  of(key: K): readonly Owner[] {
    return this.#owners.get(key) ?? [];
  }

  /**
   * Who keeps `owner` from having `key`: nobody, where it has it already. NICs of one pod are side
   * by side in it and never share, whatever `mayShare` says.
   */
  against(owner: Owner, key: K, mayShare: MayShare): readonly Owner[] {
    const owners = this.of(key);
    if (owners.some(({ nic }) => nic === owner.nic)) return [];
    return owners.filter((other) => other.pod === owner.pod || !mayShare(other));
  }

  add(key: K, owner: Owner): void {
    this.#owners.set(key, [...this.of(key), owner]);
  }

  /** @returns whether nobody has it any more */
  remove(key: K, owner: Owner): boolean {
    const rest = this.of(key).filter(({ nic }) => nic !== owner.nic);
    if (rest.length > 0) this.#owners.set(key, rest);
    else this.#owners.delete(key);
    return rest.length === 0;
  }
}
