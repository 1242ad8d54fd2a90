/**
 * Rows in the northbound database of objects that went while no controller was there.
 */
import type { Context } from './context.ts';
import { leftovers } from './ovn/leftovers.ts';
import type { Northbound } from './ovn/northbound.ts';
import { planPod } from './ovn/pod-plan.ts';
import { planRouterRemoval } from './ovn/router-plan.ts';
import { planSecurityGroupRemoval } from './ovn/security-group-plan.ts';
import type { NbState } from './ovn/state.ts';
import { planSwitchRemoval } from './ovn/switch-plan.ts';

/**
 * Removes them. Ports of pods go first, and routers last: they are what the others are attached to.
 * @param state from after the objects were read
 * @throws NorthboundError
 */
export async function removeLeftovers(
  northbound: Northbound,
  state: NbState,
  { cluster, ipIndex, podIndex }: Pick<Context, 'cluster' | 'ipIndex' | 'podIndex'>,
): Promise<void> {
  const { vpcs, subnets, securityGroups, pods } = leftovers(state, {
    vpc: (name) => cluster.vpcs.get(name) !== undefined,
    subnet: (name) => cluster.subnets.get(name) !== undefined,
    securityGroup: (name) => cluster.securityGroups.get(name) !== undefined,
    pod: (key) => podIndex.isRunning(key) || ipIndex.ofOwner(key).size > 0,
  });
  const isGroup = (name: string) => cluster.securityGroups.get(name) !== undefined;
  await Promise.all(pods.map((key) => northbound.bring((now) => planPod(now, key, []))));
  await Promise.all(
    securityGroups.map((name) =>
      northbound.bring((now) => planSecurityGroupRemoval(now, name, isGroup)),
    ),
  );
  await Promise.all(subnets.map((name) => northbound.bring((now) => planSwitchRemoval(now, name))));
  await Promise.all(vpcs.map((name) => northbound.bring((now) => planRouterRemoval(now, name))));
}
