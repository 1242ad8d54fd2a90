/**
 * What is ours in the northbound database and belongs to no object any more: objects that went
 * while no controller ran. Pure; each name goes to the `plan…Removal` of its kind.
 */

import { isSecurityGroup } from './group-rows.ts';
import { ownerOfSet } from './interconnection-sets.ts';
import { DENY_ALL_GROUP, isOurs, subnetOfNodeGroup } from './names.ts';
import { subnetOfRouterPort } from './router-port.ts';
import type { NbState } from './state.ts';

/** Whether there is an object of a name; pods by `<namespace>/<name>`. */
export interface Known {
  readonly vpc: (name: string) => boolean;
  readonly subnet: (name: string) => boolean;
  readonly securityGroup: (name: string) => boolean;
  /** Also pods that are gone and keep their addresses, as those of a StatefulSet do. */
  readonly pod: (key: string) => boolean;
}

/** Names of objects that are gone and have rows yet; pods by `<namespace>/<name>`. */
export interface Leftovers {
  readonly vpcs: readonly string[];
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly pods: readonly string[];
}

/** Looks through all rows of ours: O(rows), so once for each leader. */
export function leftovers(state: NbState, known: Known): Leftovers {
  const routers = [...state.routers.values()].filter(isOurs);
  const switches = [...state.switches.values()].filter(isOurs);
  const routerPorts = [...state.routerPorts.values()];
  const groups = [...state.portGroups.values()].filter(isSecurityGroup);
  const sets = [...state.addressSets.values()].filter(isOurs);
  const ports = [...state.switchPorts.values()].filter(isOurs);
  const dhcp = [...state.dhcpOptions.values()].filter(isOurs);
  const owners = sets.flatMap((set) => ownerOfSet(set) ?? []);
  const ownersOfKind = (wanted: 'subnet' | 'vpc') =>
    owners.filter(({ kind }) => kind === wanted).map(({ name }) => name);
  return {
    vpcs: unknown([...routers.map(({ name }) => name), ...ownersOfKind('vpc')], known.vpc),
    subnets: unknown(
      [
        ...switches.map(({ name }) => name),
        ...routerPorts.map((port) => subnetOfRouterPort(state, port)),
        ...dhcp
          .filter(({ external_ids: ids }) => ids.port === undefined)
          .map(({ external_ids: ids }) => ids.ls),
        ...ownersOfKind('subnet'),
        ...[...state.portGroups.values()].filter(isOurs).map(subnetOfNodeGroup),
      ],
      known.subnet,
    ),
    securityGroups: unknown(
      [...groups, ...sets].map(({ external_ids: ids }) => ids.sg),
      (name) => name === DENY_ALL_GROUP || known.securityGroup(name),
    ),
    pods: unknown(
      ports.map(({ external_ids: ids }) => ids.pod),
      known.pod,
    ),
  };
}

/** Each once, in order. */
function unknown(
  names: readonly (string | undefined)[],
  isKnown: (name: string) => boolean,
): string[] {
  const own = names.filter((name) => name !== undefined);
  return [...new Set(own)].filter((name) => !isKnown(name)).sort();
}
