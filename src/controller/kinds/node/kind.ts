/**
 * Nodes: whom it wakes that one no longer has an address. There is no work on them.
 */
import type { Uses } from '../context.ts';
import type { Kind } from '../kind.ts';
import { hasOtherAddresses } from '../predicates.ts';

/** The kind Node. An address that a node no longer has can be a pod's: whoever waits for it is woken. */
export function nodeKind({ cluster, wakes }: Uses<'wakes', 'nodes'>): Kind {
  return {
    subscribe: () => [
      cluster.nodes.onChange((change) => {
        if (!hasOtherAddresses(change)) return;
        const { type, value, previous } = change;
        const before = (previous ?? value).internalAddresses;
        const still = type === 'deleted' ? [] : value.internalAddresses;
        const hasStill = (text: string) => still.some((each) => each.text === text);
        wakes.nodeAddressesFreed(before.filter(({ text }) => !hasStill(text)));
      }),
    ],
  };
}
