/**
 * IPPools: which changes have one worked on, and whom a change of one wakes.
 */
import { checkedValue } from '../../model/problem.ts';
import { waitFor } from '../../model/wait-names.ts';
import type { Uses } from '../context.ts';
import { forgetDeleted, type Kind, OBJECTS_AT_ONCE } from '../kind.ts';
import { affectsNics } from '../predicates.ts';
import { type IpPoolContext, IpPoolReconciler } from './reconciler.ts';

type Context = IpPoolContext & Uses<'queues' | 'signals' | 'wakes'>;

/**
 * The kind IPPool. A change of one wakes the pods of its namespaces, before and after it, and whoever waits
 * for addresses of its Subnet.
 */
export function ipPoolKind(context: Context): Kind {
  const { cluster, events, queues, signals, wakes } = context;
  const { ipPools } = cluster;
  const reconciler = new IpPoolReconciler(context);
  const queue = queues.create({
    name: 'ipPools',
    what: 'an IPPool',
    concurrency: OBJECTS_AT_ONCE,
    reconcile: (name) => reconciler.reconcile(name),
  });
  return {
    subscribe: () => [
      ipPools.onChange(forgetDeleted(events)),
      ipPools.onChange((change) => {
        queue.add(change.key);
        if (!affectsNics(change)) return;
        const versions = [change.value, change.previous].map(
          (object) => object && checkedValue(object.checked),
        );
        wakes.namespaces(...versions.map((pool) => pool?.namespaces));
        // What it no longer has is its Subnet's again.
        for (const pool of versions) if (pool !== undefined) wakes.subnet(pool.subnet);
      }),
      signals.revalidated.on(({ ipPools: names }) => {
        for (const name of names) queue.add(name);
        wakes.wake(...names.map(waitFor.ipPool));
      }),
    ],
    addAll: () => {
      for (const { meta } of ipPools.values()) queue.add(meta.name);
    },
  };
}
