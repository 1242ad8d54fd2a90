/**
 * The locks of ports, and the order in which all locks of the daemon are taken.
 *
 * INVARIANTS
 * 1. Whoever holds a lock takes only locks further down in this list:
 *      a. the mirror's line (limits/limits-follower.ts): changes of the Mirror row, one after another;
 *      b. attachments (attachment-queue.ts): ADD, DEL, CHECK, clean-ups and changes of limits of one
 *         interface, one after another; several are taken in the order of their keys;
 *      c. one of the few slots for NICs that are being made (nic/place.ts);
 *      d. host interfaces, by name: nobody changes the limits of a port while it is removed; several are
 *         taken in the order of their names;
 *      e. an `iface-id`: one port at a time is plugged as, or removed from, a logical switch port.
 * 2. Of c and e nobody holds two at a time.
 * 3. A slot is not held while OVN, a gateway or the API server is waited for, but for the half second in
 *    which an allocation is confirmed (nic/confirmation.ts). No lock of a port is held while anything is
 *    waited for but OVS's database and the kernel.
 * 4. An `iface-id` is let go when the replica has what was written under it.
 * 5. Locks are in memory. What a killed daemon held is free at the next start, and what its tools do late
 *    is found by their marks (garbage/iface-id-owners.ts, nic/place.ts).
 */
import { KeyedLock } from '../../common/concurrency/keyed-lock.ts';

/**
 * The locks of host interfaces and of `iface-id`s; the INVARIANTS above say in which order they are taken.
 */
export class PortLocks {
  readonly #hostInterfaces = new KeyedLock();
  readonly #ifaceIds = new KeyedLock();

  /** Runs `task` while holding an `iface-id`. */
  ofIfaceId<T>(ifaceId: string, task: () => Promise<T>): Promise<T> {
    return this.#ifaceIds.run(ifaceId, task);
  }

  /**
   * Runs `task` while holding host interfaces. It is the only lock of a port that Kube-OVN's Go daemon
   * made: its rows do not say which attachment it is of.
   */
  ofHostInterfaces<T>(names: readonly string[], task: () => Promise<T>): Promise<T> {
    const locked = names
      .toSorted()
      .reduceRight<() => Promise<T>>(
        (inner, name) => () => this.#hostInterfaces.run(name, inner),
        task,
      );
    return locked();
  }
}
