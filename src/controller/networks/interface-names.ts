/**
 * The interfaces that Multus makes of a pod's networks. Pure.
 */
import { type Problem, say } from '../model/problem.ts';
import type { Selection } from './selections.ts';

/** What the runtime calls the interface of the pod's main network. */
const MAIN = 'eth0';

/** A network of a pod, and whether its addresses are ours. */
export interface SelectedNetwork {
  readonly selection: Selection;
  readonly isOurs: boolean;
}

/**
 * Two networks of a pod that would have one interface, at least one of them ours: the second ADD
 * fails, however often it is tried. Undefined where there are none.
 */
export function interfaceProblem(networks: readonly SelectedNetwork[]): Problem | undefined {
  const taken = new Map<string, { readonly what: string; readonly isOurs: boolean }>();
  if (!networks.some(({ selection }) => selection.isDefault)) {
    taken.set(MAIN, { what: "the pod's main network", isOurs: false });
  }
  let attached = 0;
  for (const { selection, isOurs } of networks) {
    if (!selection.isDefault) attached += 1;
    const name = interfaceName(selection, attached);
    const what = `network ${selection.namespace}/${selection.name}`;
    const other = taken.get(name);
    if (other !== undefined && (isOurs || other.isOurs)) return conflict(name, other.what, what);
    taken.set(name, { what, isOurs });
  }
  return undefined;
}

/** Multus counts all networks, also those that say their interface. */
function interfaceName({ ifName, isDefault }: Selection, number: number): string {
  if (ifName !== '') return ifName;
  return isDefault ? MAIN : `net${number}`;
}

function conflict(name: string, one: string, other: string): Problem {
  return {
    message: say`interface ${name} is both ${one}'s and ${other}'s`,
    advice:
      'set another "interface" for one of them; a network that says none has net1, net2 and so on by its place in the annotation',
  };
}
