/**
 * The usage of Subnets: what makes the addresses of one, and of its IPPools, be counted again.
 */
import type { Change } from '../../../common/kubernetes/watch-cache.ts';
import { Pace } from '../../../common/reconcile/pace.ts';
import { checkedValue } from '../../model/problem.ts';
import type { Uses } from '../context.ts';
import type { IpObject } from '../ip/object/ip.ts';
import type { Kind } from '../kind.ts';
import { affectsNics } from '../predicates.ts';
import { type UsageContext, UsageReconciler } from './usage.ts';

type Context = UsageContext & Uses<'queues' | 'signals', 'ips'>;

/**
 * A Subnet is counted once in so long a time: pods that come one after another would have one write each
 * else, which costs half of what the pod itself does; ms.
 */
const COUNT_EVERY_MS = 500;

/** Counts a Subnet at most twice a second, one Subnet after another. Its keys are names of Subnets. */
export function usageKind(context: Context): Kind {
  const { addresses, cluster, queues, signals } = context;
  const reconciler = new UsageReconciler(context);
  const queue = queues.create({
    name: 'usage',
    what: 'the usage of a Subnet',
    // One after another: what changes meanwhile is counted in one go.
    concurrency: 1,
    reconcile: (name) => {
      if (addresses.subnet(name) === undefined) pace.forget(name);
      else pace.done(name);
      return reconciler.reconcile(name);
    },
  });
  const pace = new Pace(COUNT_EVERY_MS, (name) => queue.add(name));

  function ipChanged(change: Change<IpObject>): void {
    // Counted when it has gone: in between one half of the change would be.
    if (beginsToGo(change)) return;
    const { type, key, value, previous } = change;
    // What is held for an object that has gone is let go next: both are counted together then.
    const held = type === 'deleted' ? addresses.allocator.allocationOf(key)?.subnet : undefined;
    for (const subnet of new Set([value.spec.subnet, previous?.spec.subnet ?? ''])) {
      if (subnet !== '' && subnet !== held) pace.add(subnet);
    }
  }

  return {
    subscribe: () => [
      () => pace.stop(),
      cluster.subnets.onChange((change) => {
        if (affectsNics(change) || !reconciler.isCounted(change.value)) pace.add(change.key);
      }),
      cluster.ips.onChange(ipChanged),
      signals.freed.on(({ subnet }) => pace.add(subnet)),
      signals.ipEnded.on((subnet) => pace.add(subnet)),
      signals.revalidated.on(({ subnets, ipPools }) => {
        for (const name of subnets) pace.add(name);
        for (const name of ipPools) {
          const pool = addresses.ipPool(name);
          const subnet = pool && checkedValue(pool.checked)?.subnet;
          if (subnet !== undefined) pace.add(subnet);
        }
      }),
    ],
    addAll: () => {
      for (const { meta } of cluster.subnets.values()) queue.add(meta.name);
    },
  };
}

function beginsToGo({ type, value, previous }: Change<IpObject>): boolean {
  return type === 'updated' && value.meta.deleting && previous?.meta.deleting === false;
}
