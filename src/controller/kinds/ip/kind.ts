/**
 * IP objects: which changes have one worked on, and whom a change of one wakes.
 */
import { waitFor } from '../../model/wait-names.ts';
import type { Uses } from '../context.ts';
import { forgetDeleted, type Kind, OBJECTS_AT_ONCE } from '../kind.ts';
import { type IpContext, IpReconciler } from './reconciler.ts';

type Context = IpContext & Uses<'queues' | 'signals' | 'wakes'>;

/** The kind IP. An object is worked on when it changes and when it has gone; whoever waits for it is woken. */
export function ipKind(context: Context): Kind {
  const { cluster, events, queues, signals, wakes } = context;
  const { ips } = cluster;
  const reconciler = new IpReconciler(context, {
    ownerServed: (owner) => signals.ownerServed.emit(owner),
    ended: (subnet) => signals.ipEnded.emit(subnet),
  });
  const queue = queues.create({
    name: 'ips',
    what: 'an IP object',
    concurrency: OBJECTS_AT_ONCE,
    reconcile: (name) => reconciler.reconcile(name),
  });
  return {
    subscribe: () => [
      ips.onChange(forgetDeleted(events)),
      ips.onChange(({ key }) => {
        queue.add(key);
        wakes.wake(waitFor.ip(key));
      }),
    ],
    addAll: () => {
      for (const { meta } of ips.values()) queue.add(meta.name);
    },
  };
}
