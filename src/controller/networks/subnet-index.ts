/**
 * The Subnets by name and by provider: made once for each change of a Subnet, and asked for each
 * pod.
 */
import { type Checked, say, wrong } from '../objects/problem.ts';
import type { Subnet, SubnetObject } from '../objects/subnet.ts';

export interface SubnetIndex {
  /** In the order of their names. */
  readonly all: readonly SubnetObject[];
  get(name: string): SubnetObject | undefined;
  /** The first by name of those that are not being deleted. */
  ofProvider(provider: string): SubnetObject | undefined;
}

export function indexSubnets(objects: Iterable<SubnetObject>): SubnetIndex {
  const all = [...objects].sort((one, other) => (one.meta.name < other.meta.name ? -1 : 1));
  const byName = new Map(all.map((object) => [object.meta.name, object]));
  const byProvider = new Map<string, SubnetObject>();
  for (const object of all) {
    if (object.meta.deleting || byProvider.has(object.provider)) continue;
    byProvider.set(object.provider, object);
  }
  return {
    all,
    get: (name) => byName.get(name),
    ofProvider: (provider) => byProvider.get(provider),
  };
}

/**
 * The Subnet, where NICs can be on it.
 * @param hasAddresses true for a NIC that is on it already: then it may be about to be deleted
 */
export function usable(object: SubnetObject, hasAddresses: boolean): Checked<Subnet> {
  const { meta, checked } = object;
  if (meta.deleting && !hasAddresses) {
    return wrong(say`subnet ${meta.name} is being deleted`, 'use another Subnet');
  }
  if ('value' in checked) return checked;
  const [{ message, advice }] = checked.problems;
  return wrong(say`subnet ${meta.name} is not valid: ${message}`, advice);
}
