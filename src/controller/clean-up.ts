/**
 * Rows in the northbound database of objects that went while no controller was there.
 */
import type { Context } from './kinds/context.ts';
import { planPod } from './kinds/pod/pod-plan.ts';
import { planSecurityGroupRemoval } from './kinds/security-group/security-group-plan.ts';
import { planSwitchRemoval } from './kinds/subnet/switch-plan.ts';
import { planRouterRemoval } from './kinds/vpc/router-plan.ts';
import { twinOf } from './model/owner-key.ts';
import { type Known, leftovers } from './ovn/leftovers.ts';
import type { Northbound } from './ovn/northbound.ts';
import type { NbState } from './ovn/state.ts';
import { newTransactionBuilder, type Plan } from './ovn/transaction-builder.ts';

/**
 * Removes them. Ports of pods go first, and routers last: they are what the others are attached to.
 * To be called when the objects and the database are known.
 * @throws NorthboundError
 */
export async function removeLeftovers(
  northbound: Northbound,
  { cluster, ipIndex, podIndex }: Pick<Context, 'cluster' | 'ipIndex' | 'podIndex'>,
): Promise<void> {
  const { vpcs: vpcObjects, securityGroups: groups } = cluster;
  const known: Known = {
    // Of a kind that is not followed, nobody knows which objects there are.
    vpc: (name) => !vpcObjects.isSynced || vpcObjects.get(name) !== undefined,
    subnet: (name) => cluster.subnets.get(name) !== undefined,
    securityGroup: (name) => !groups.isSynced || groups.get(name) !== undefined,
    pod: (key) => [key, twinOf(key)].some((owner) => isKnownOwner(owner, podIndex, ipIndex)),
  };
  const removeAll = (names: readonly string[], isKnown: (name: string) => boolean, plan: Removal) =>
    Promise.all(
      names.map((name) =>
        // It may have come meanwhile.
        northbound.apply((now) =>
          isKnown(name) ? newTransactionBuilder().done() : plan(now, name),
        ),
      ),
    );
  const { vpcs, subnets, securityGroups, pods } = leftovers(northbound.state, known);
  await removeAll(pods, known.pod, (now, key) => planPod(now, key, []));
  await removeAll(securityGroups, known.securityGroup, planSecurityGroupRemoval);
  await removeAll(subnets, known.subnet, planSwitchRemoval);
  await removeAll(vpcs, known.vpc, planRouterRemoval);
}

function isKnownOwner(
  owner: string,
  podIndex: Context['podIndex'],
  ipIndex: Context['ipIndex'],
): boolean {
  return podIndex.isRunning(owner) || ipIndex.ofOwner(owner).size > 0;
}

type Removal = (state: NbState, name: string) => Plan;
