/**
 * What the leader needs of a kind of object; the list of them is kinds.ts.
 *
 * A kind says itself which changes concern it, of its own objects and of others, and which of its keys
 * are to be worked on for that. The work looks at how all objects are now, so a change needs no more
 * than names. Work that waits for something else, like a pod for its Subnet, says so by name
 * (NotDone.waitsFor), and the kind that something happens to wakes that name (Wakes).
 */
import type { Change } from '../../common/kubernetes/watch-cache.ts';
import type { ObjectEvents } from '../../common/reconcile/object-events.ts';
import type { Meta } from '../model/meta.ts';
import type { DriftChange } from '../ovn/drift-tables.ts';

/** One kind of object, or something else that follows changes, as the leader starts it. */
export interface Kind {
  /** Follows whatever concerns it from now on. @returns ends that */
  subscribe(): readonly Unsubscribe[];
  /**
   * Has everything worked on that there is: a leader begins, or a kind of object can be followed that
   * could not be.
   */
  addAll?(): void;
  /** The northbound database is known: its rows may be of objects that have gone. */
  found?(): void;
  /** Somebody else has changed rows of ours in the northbound database. */
  drifted?(change: DriftChange): void;
}

/** Ends one subscription. */
export type Unsubscribe = () => void;

/** Objects of a kind that are worked on at a time. */
export const OBJECTS_AT_ONCE = 64;

/** A listener by which an object that comes again under its name gets all events again. */
export function forgetDeleted(events: ObjectEvents) {
  return ({ type, value }: Change<{ readonly meta: Meta }>): void => {
    if (type === 'deleted') events.forget(value.meta.uid);
  };
}
