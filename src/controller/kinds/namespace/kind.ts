/**
 * Namespaces: whom a change of one wakes. There is no work on them.
 */
import type { Uses } from '../context.ts';
import type { Kind } from '../kind.ts';
import { isOther } from '../predicates.ts';

/** The kind Namespace. A change of one wakes the pods that wait for it. */
export function namespaceKind({ cluster, wakes }: Uses<'wakes', 'namespaces'>): Kind {
  return {
    subscribe: () => [
      cluster.namespaces.onChange((change) => {
        if (isOther(change)) wakes.namespaces([change.value.name]);
      }),
    ],
  };
}
