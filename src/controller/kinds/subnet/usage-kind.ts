/**
 * The usage of Subnets: what makes the addresses of one, and of its IPPools, be counted again.
 */
import { checkedValue } from '../../model/problem.ts';
import type { Uses } from '../context.ts';
import type { Kind } from '../kind.ts';
import { isNews } from '../news.ts';
import { type UsageContext, UsageReconciler } from './usage.ts';

type Context = UsageContext & Uses<'queues' | 'signals', 'ips'>;

export function usageKind(context: Context): Kind {
  const { addresses, cluster, queues, signals } = context;
  const reconciler = new UsageReconciler(context);
  const queue = queues.create({
    name: 'usage',
    what: 'the usage of a Subnet',
    // One after another: what changes meanwhile is counted in one go.
    concurrency: 1,
    reconcile: (name) => reconciler.reconcile(name),
  });
  return {
    subscribe: () => [
      cluster.subnets.onChange((change) => {
        if (isNews(change) || !reconciler.isCounted(change.value)) queue.add(change.key);
      }),
      cluster.ips.onChange(({ type, key, value, previous }) => {
        // What is held for an object that has gone is let go next: both are counted together then.
        const held = type === 'deleted' ? addresses.allocator.allocationOf(key)?.subnet : undefined;
        for (const subnet of new Set([value.spec.subnet, previous?.spec.subnet ?? ''])) {
          if (subnet !== '' && subnet !== held) queue.add(subnet);
        }
      }),
      signals.freed.on(({ subnet }) => queue.add(subnet)),
      signals.ipEnded.on((subnet) => queue.add(subnet)),
      signals.rejudged.on(({ subnets, ipPools }) => {
        for (const name of subnets) queue.add(name);
        for (const name of ipPools) {
          const pool = addresses.ipPool(name);
          const subnet = pool && checkedValue(pool.checked)?.subnet;
          if (subnet !== undefined) queue.add(subnet);
        }
      }),
    ],
    addAll: () => {
      for (const { meta } of cluster.subnets.values()) queue.add(meta.name);
    },
  };
}
