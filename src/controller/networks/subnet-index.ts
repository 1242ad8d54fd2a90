/**
 * The Subnets by name and by provider: made once for each change of a Subnet, and asked for each
 * pod.
 */

import type { Subnet, SubnetObject } from '../kinds/subnet/object/subnet.ts';
import { type Checked, say, wrong } from '../model/problem.ts';

/** The Subnets of a cluster at one time. */
export interface SubnetIndex {
  /** In the order of their names. */
  readonly all: readonly SubnetObject[];
  get(name: string): SubnetObject | undefined;
  /** The first by name of those that are not being deleted. */
  ofProvider(provider: string): SubnetObject | undefined;
  /** The first by name of those that are being deleted. */
  terminatingOf(provider: string): SubnetObject | undefined;
}

/** Makes the index; objects are taken as they are, also those that are not valid. */
export function indexSubnets(objects: Iterable<SubnetObject>): SubnetIndex {
  const all = [...objects].sort((one, other) => (one.meta.name < other.meta.name ? -1 : 1));
  const byName = new Map(all.map((object) => [object.meta.name, object]));
  const byProvider = new Map<string, SubnetObject>();
  const terminating = new Map<string, SubnetObject>();
  for (const object of all) {
    const known = object.meta.deleting ? terminating : byProvider;
    if (!known.has(object.provider)) known.set(object.provider, object);
  }
  return {
    all,
    get: (name) => byName.get(name),
    ofProvider: (provider) => byProvider.get(provider),
    terminatingOf: (provider) => terminating.get(provider),
  };
}

/**
 * The Subnet, where NICs can be on it.
 * @param hasAddresses true for a NIC that is on it already: then it may be about to be deleted
 * @param holdersOf says who has addresses of a Subnet; empty for nobody
 */
export function usable(
  object: SubnetObject,
  hasAddresses: boolean,
  holdersOf: (subnet: string) => string,
): Checked<Subnet> {
  const { meta, checked } = object;
  if (meta.deleting && !hasAddresses) return terminating(meta.name, holdersOf(meta.name));
  if ('value' in checked) return checked;
  const [{ message, advice }] = checked.problems;
  return wrong(say`subnet ${meta.name} is not valid: ${message}`, advice);
}

function terminating(name: string, holders: string) {
  const advice = 'use another Subnet, or wait until it has gone and create it again';
  return holders === ''
    ? wrong(say`subnet ${name} is being deleted`, advice)
    : wrong(say`subnet ${name} is being deleted, and goes with the last of ${holders}`, advice);
}
