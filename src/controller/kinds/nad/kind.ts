/**
 * NetworkAttachmentDefinitions: whom a change of one wakes, and what is said of one that is wrong. There
 * is no work on them.
 */
import type { ObjectEvents } from '../../../common/reconcile/object-events.ts';
import { aboutNad } from '../../model/about.ts';
import { failureEvent } from '../../model/events.ts';
import { describeProblems } from '../../model/problem.ts';
import { waitFor } from '../../model/wait-names.ts';
import type { Uses } from '../context.ts';
import type { Kind } from '../kind.ts';
import { type Nad, nadProblem } from './object/nad.ts';

/**
 * The kind NetworkAttachmentDefinition. A change of one wakes the pods that wait for it, and the first list
 * those that wait for any.
 */
export function nadKind({ cluster, events, wakes }: Uses<'events' | 'wakes', 'nads'>): Kind {
  const { nads } = cluster;
  return {
    subscribe: () => {
      // Multus may be installed later.
      void nads.synced.then(() => wakes.wake(waitFor.nads));
      const changed = nads.onChange(({ type, value }) => {
        if (type === 'deleted') events.forget(value.uid);
        else sayProblem(value, events);
        wakes.wake(waitFor.nad(value.namespace, value.name));
      });
      return [changed];
    },
    addAll: () => {
      for (const nad of nads.values()) sayProblem(nad, events);
    },
  };
}

/** Whoever made a network does not look at the pods that cannot have it. */
function sayProblem(nad: Nad, events: ObjectEvents): void {
  const problem = nadProblem(nad);
  if (problem === undefined) events.clear(aboutNad(nad));
  else {
    const event = failureEvent('ValidateNadFailed', 'validateNad', describeProblems([problem]));
    events.warnOnce(aboutNad(nad), event);
  }
}
