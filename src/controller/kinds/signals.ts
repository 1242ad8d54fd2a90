/**
 * What happens in the work on one kind of object and concerns others: each kind says what it does
 * about it, and none knows of the others.
 */
import { Signal } from '../../common/reconcile/signal.ts';
import type { Revalidated } from '../ipam/addresses.ts';
import type { Allocation } from '../ipam/allocator/request.ts';

/** The signals of a leader; each has any number of listeners among the kinds. */
export interface Signals {
  /** Subnets and IPPools may be usable that were not, or the other way round. */
  readonly revalidated: Signal<Revalidated>;
  /** A NIC no longer has this. */
  readonly freed: Signal<Allocation>;
  /**
   * The IP object of a NIC has gone, and what the NIC had was let go, or could not be: name of the
   * Subnet.
   */
  readonly ipEnded: Signal<string>;
  /** The pods of an owner (`ownerOfPod`) may go on, by what became of an IP object of theirs. */
  readonly ownerServed: Signal<string>;
}

/** Signals without listeners yet: kinds subscribe to those that concern them. */
export function createSignals(): Signals {
  return {
    revalidated: new Signal(),
    freed: new Signal(),
    ipEnded: new Signal(),
    ownerServed: new Signal(),
  };
}
