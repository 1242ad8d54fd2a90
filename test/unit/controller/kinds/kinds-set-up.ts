/** All kinds together on a cluster in memory, with queues that only count. */
import { onTestFinished } from 'vitest';
import { Queues, type Reconciler } from '../../../../src/common/reconcile/queues.ts';
import { createSignals } from '../../../../src/controller/kinds/signals.ts';
import { createKinds } from '../../../../src/controller/kinds.ts';
import type { ClusterSettings } from '../../../../src/controller/model/settings.ts';
import type { DriftChange } from '../../../../src/controller/ovn/drift-tables.ts';
import type { NewObject } from '../../../lab/kubernetes/object.ts';
import { setUp } from './set-up.ts';

/** All kinds on these objects, which nobody has been told of. */
export function setUpKinds(objects: readonly NewObject[], changes: Partial<ClusterSettings> = {}) {
  const all = setUp(objects, changes);
  all.context.addresses.refresh();
  const asked = new Set<string>();
  const woken = new Set<string>();
  const queues = new Queues({ log: all.context.log });
  const counting = {
    create: (reconciler: Reconciler) =>
      queues.create({
        ...reconciler,
        reconcile: async (key) => void asked.add(`${reconciler.name} ${key}`),
      }),
    wake: (...names: readonly string[]) => {
      for (const name of names) woken.add(name);
    },
    wakeSome: (name: string) => void woken.add(name),
  };
  const signals = createSignals();
  const kinds = createKinds(all.context, counting, signals);
  const ends = kinds.flatMap((kind) => kind.subscribe());
  onTestFinished(async () => {
    for (const end of ends) end();
    await queues.stop();
  });
  const after = async (act: () => void) => {
    // That the first lists are in wakes, too.
    await all.context.cluster.nads.synced;
    asked.clear();
    woken.clear();
    act();
    await queues.idle();
    return { asked: [...asked].toSorted(), woken: [...woken].toSorted() };
  };
  return {
    ...all,
    signals,
    /** What a change asks for and wakes. */
    after,
    afterPatch: (kind: string, key: string, patch: object) =>
      after(() => all.fake.patch(kind, key, patch)),
    afterDrift: async (change: DriftChange) =>
      (
        await after(() => {
          for (const kind of kinds) kind.drifted?.(change);
        })
      ).asked,
    begin: async () =>
      (
        await after(() => {
          for (const kind of kinds) kind.addAll?.();
        })
      ).asked,
  };
}
