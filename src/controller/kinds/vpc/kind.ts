/**
 * Vpcs: which changes have one worked on, and whom a change of one wakes.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Change } from '../../../common/kubernetes/watch-cache.ts';
import { checkedValue } from '../../model/problem.ts';
import type { Uses } from '../context.ts';
import { isNodeIp } from '../ip/object/node-ip.ts';
import { forgetDeleted, type Kind, OBJECTS_AT_ONCE } from '../kind.ts';
import { affectsNics, hasOtherLeg, hasVpcChanged } from '../predicates.ts';
import { goesByNodes } from '../subnet/object/interconnection.ts';
import type { VpcObject } from './object/vpc.ts';
import { type VpcContext, VpcReconciler } from './reconciler.ts';

type Context = VpcContext & Uses<'queues' | 'wakes'>;

/**
 * The kind Vpc. A change of one wakes the pods of its namespaces, before and after it; a change of a Subnet
 * has its Vpc worked on.
 */
export function vpcKind(context: Context): Kind {
  const { cluster, events, queues, settings, wakes } = context;
  const { subnets, vpcs } = cluster;
  const reconciler = new VpcReconciler(context);
  const queue = queues.create({
    name: 'vpcs',
    what: 'a Vpc',
    concurrency: OBJECTS_AT_ONCE,
    reconcile: (name) => reconciler.reconcile(name),
  });

  function addAll(): void {
    for (const { meta } of vpcs.values()) queue.add(meta.name);
  }

  /** Whether policies of the default Vpc lead to nodes. */
  function hasWaysByNodes(): boolean {
    return [...subnets.values()].some(({ checked }) => {
      const subnet = checkedValue(checked);
      return subnet !== undefined && goesByNodes(subnet, settings);
    });
  }

  function changed(change: Change<VpcObject>): void {
    const { key, value, previous } = change;
    const isOther = hasVpcChanged(change);
    if (isOther) {
      const versions = [value, previous].map((object) => object && checkedValue(object.checked));
      wakes.namespaces(...versions.map((vpc) => vpc?.namespaces));
    }
    const hasOtherFinalizers = !isDeepStrictEqual(value.meta.finalizers, previous?.meta.finalizers);
    const isToDo = value.meta.deleting || !value.status.standby;
    if (isOther || hasOtherFinalizers || isToDo) queue.add(key);
  }

  return {
    subscribe: () => [
      vpcs.onChange(forgetDeleted(events)),
      vpcs.onChange(changed),
      // Its router has the routes of its Subnets, and its status names them.
      subnets.onChange((change) => {
        if (!affectsNics(change) && !hasOtherLeg(change)) return;
        for (const object of [change.value, change.previous]) {
          if (object?.claims.isOvn) queue.add(object.claims.vpc);
        }
      }),
      // Some of its policies lead to nodes.
      cluster.ips.onChange(({ value }) => {
        if (isNodeIp(value) && hasWaysByNodes()) queue.add(settings.defaultVpc);
      }),
      cluster.nodes.onChange((change) => {
        if (change.type !== 'updated' && hasWaysByNodes()) queue.add(settings.defaultVpc);
      }),
    ],
    addAll,
    drifted: (change) => {
      if (change.kind === 'vpcs') addAll();
      else if (change.kind === 'vpc') queue.add(change.name);
    },
  };
}
