/**
 * Who has what: of IP addresses, by number, and of MAC addresses, by text. There is one owner of
 * each; only where pods agreed to share, as the two pods of a virtual machine do while it migrates,
 * there are more.
 */

/** A NIC. */
export interface Owner {
  /** Name of its port: `<pod>.<namespace>`, and for a secondary network `.<provider>`. */
  readonly nic: string;
  /** `<namespace>/<name>` of its pod. */
  readonly pod: string;
}

export class Owners<K> {
  readonly #owners = new Map<K, readonly Owner[]>();

  of(key: K): readonly Owner[] {
    return this.#owners.get(key) ?? [];
  }

  /**
   * Who keeps `owner` from having `key`: nobody, where it has it already. One that shares may have
   * what other pods have, but NICs of one pod are side by side in it and never share.
   */
  against(owner: Owner, key: K, sharing: boolean): readonly Owner[] {
    const owners = this.of(key);
    if (owners.some(({ nic }) => nic === owner.nic)) return [];
    return sharing ? owners.filter(({ pod }) => pod === owner.pod) : owners;
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
