/**
 * Vlans: which changes have one worked on.
 */
import type { Change } from '../../../common/kubernetes/watch-cache.ts';
import type { Uses } from '../context.ts';
import { forgetDeleted, type Kind, OBJECTS_AT_ONCE } from '../kind.ts';
import { hasVlanChanged } from '../predicates.ts';
import type { SubnetObject } from '../subnet/object/subnet.ts';
import type { VlanObject } from './object/vlan.ts';
import { type VlanContext, VlanReconciler } from './reconciler.ts';

type Context = VlanContext & Uses<'queues'>;

export function vlanKind(context: Context): Kind {
  const { cluster, events, queues } = context;
  const { subnets, vlans } = cluster;
  const reconciler = new VlanReconciler(context);
  const queue = queues.create({
    name: 'vlans',
    what: 'a Vlan',
    concurrency: OBJECTS_AT_ONCE,
    reconcile: (name) => reconciler.reconcile(name),
  });

  /** Of one provider network one may have the id that another wants. */
  function changed(change: Change<VlanObject>): void {
    const { key, value, previous } = change;
    queue.add(key);
    if (!hasVlanChanged(change)) return;
    for (const { id, name, provider } of vlans.values()) {
      const isRival = (one: VlanObject | undefined) => one?.provider === provider && one.id === id;
      if (name !== key && (isRival(value) || isRival(previous))) queue.add(name);
    }
  }

  function subnetChanged({ type, value, previous }: Change<SubnetObject>): void {
    const names = new Set([value.claims.vlan, previous?.claims.vlan ?? '']);
    if (type === 'updated' && names.size === 1) return;
    for (const name of names) if (name !== '') queue.add(name);
  }

  return {
    subscribe: () => [
      vlans.onChange(forgetDeleted(events)),
      vlans.onChange(changed),
      subnets.onChange(subnetChanged),
    ],
    addAll: () => {
      for (const { name } of vlans.values()) queue.add(name);
    },
  };
}
