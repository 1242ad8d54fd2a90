/**
 * A view of the cluster that notes what was looked up in it: a pod whose networks cannot be had for
 * now waits for that, and for nothing else. Whoever decides by something has looked it up, so nothing
 * is left out.
 */
import { waitFor } from '../model/wait-names.ts';
import type { NetworkView } from './request.ts';

/** A view, and what was looked up in it. */
export interface TrackedView {
  readonly view: NetworkView;
  /** Names of all that was looked up so far. */
  readonly lookups: ReadonlySet<string>;
}

/**
 * @param namespace the pod's: lists of Subnets, Vpcs and IPPools are gone through only for those that
 *   are for it
 */
export function trackedView(view: NetworkView, namespace: string): TrackedView {
  const lookups = new Set<string>();
  const own = waitFor.namespace(namespace);
  const { subnets } = view;
  return {
    lookups,
    view: {
      settings: view.settings,
      // Only for what is said; the Subnet was looked up before.
      holdersOf: (subnet) => view.holdersOf(subnet),
      subnets: {
        get all() {
          lookups.add(own);
          return subnets.all;
        },
        get: (name) => {
          lookups.add(waitFor.subnet(name));
          return subnets.get(name);
        },
        ofProvider: (provider) => {
          lookups.add(waitFor.subnetsOf(provider));
          return subnets.ofProvider(provider);
        },
        terminatingOf: (provider) => {
          lookups.add(waitFor.subnetsOf(provider));
          return subnets.terminatingOf(provider);
        },
      },
      nad: (space, name) => {
        lookups.add(waitFor.nad(space, name));
        return view.nad(space, name);
      },
      ipPool: (name) => {
        lookups.add(waitFor.ipPool(name));
        return view.ipPool(name);
      },
      // It changes with all that is known: then all work is done again.
      lackOfIpPools: () => view.lackOfIpPools(),
      ipPools: () => {
        lookups.add(own);
        return view.ipPools();
      },
      namespace: (name) => {
        lookups.add(waitFor.namespace(name));
        return view.namespace(name);
      },
      vpcs: () => {
        lookups.add(own);
        return view.vpcs();
      },
    },
  };
}
