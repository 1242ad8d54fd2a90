/** Which change has which work done: of pods that say they are a machine's, and of reservations. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { ObjectEvents } from '../../../../../src/common/reconcile/object-events.ts';
import { Queues, type Reconciler } from '../../../../../src/common/reconcile/queues.ts';
import { IpIndex } from '../../../../../src/controller/cluster/ip-index.ts';
import { Machines } from '../../../../../src/controller/cluster/machines.ts';
import { PodIndex } from '../../../../../src/controller/cluster/pod-index.ts';
import type { Context } from '../../../../../src/controller/kinds/context.ts';
import { createKinds } from '../../../../../src/controller/kinds.ts';
import { ipOf, setUpAddresses } from '../../ipam/addresses-support.ts';
import { machineInstance, podObject, shows } from '../../support.ts';

const RESERVED = 'ovn.kubernetes.io/ip_reserved';

/** All kinds on a live cluster, with queues that only count. */
async function setUp(objects: Parameters<typeof setUpAddresses>[0]) {
  const asked: string[] = [];
  let context: Context | undefined;
  const all = await setUpAddresses(objects, {}, (known) => {
    const { cluster, settings } = known;
    const machines = new Machines(cluster, settings);
    const podIndex = new PodIndex(cluster, settings, machines);
    const ipIndex = new IpIndex(cluster.ips, settings);
    context = { ...known, machines, podIndex, ipIndex } as unknown as Context;
  });
  const events = new ObjectEvents({ record: () => undefined } as never);
  const queues = new Queues({ log: all.log });
  const counting = {
    create: (reconciler: Reconciler) => {
      const { name } = reconciler;
      return queues.create({
        ...reconciler,
        reconcile: async (key) => void asked.push(`${name} ${key}`),
      });
    },
    wake: (...names: string[]) => queues.wake(...names),
    wakeSome: (name: string, left: () => number) => queues.wakeSome(name, left),
  };
  const whole = { ...(context as unknown as Context), addresses: all.addresses, events };
  const ends = createKinds(whole, counting).flatMap((kind) => kind.subscribe());
  onTestFinished(async () => {
    for (const end of ends) end();
    await queues.stop();
    await all[Symbol.asyncDispose]();
  });
  return {
    ...all,
    /** Work that an object's change asks for, once the change is here and the work is done. */
    asksFor: async (kind: 'Pod' | 'IP', key: string, patch: object) => {
      asked.length = 0;
      const { resourceVersion } = all.double.patch(kind, key, patch).metadata;
      const { pods, ips } = all.cluster;
      if (kind === 'Pod') {
        await shows(pods, () => pods.get(key)?.resourceVersion === resourceVersion);
      } else {
        await shows(ips, () => ips.get(key)?.meta.resourceVersion === resourceVersion);
      }
      await queues.idle();
      return asked.toSorted();
    },
  };
}

describe('a pod of a virtual machine that changes', () => {
  const launchers = ['launcher-1', 'launcher-2'];
  const pods = launchers.map((name) => podObject(name, { virtualMachine: 'vm' }));
  const change = { metadata: { annotations: { 'ovn.kubernetes.io/routes': '[]' } } };

  it('has the machine’s other pods worked on', async () => {
    const { asksFor } = await setUp([machineInstance('vm'), ...pods]);
    expect(await asksFor('Pod', 'shop/launcher-1', change)).toEqual([
      'pods shop/launcher-1',
      'pods shop/launcher-2',
      'pods shop/vm:vm',
    ]);
  });

  it('has none worked on where it only says that it is one: many would never end', async () => {
    const { asksFor } = await setUp(pods);
    expect(await asksFor('Pod', 'shop/launcher-1', change)).toEqual(['pods shop/launcher-1']);
  });

  it('has the machine’s addresses looked at where it says no longer that it is one', async () => {
    const { asksFor } = await setUp([machineInstance('vm'), pods[0] as object as never]);
    const edit = { metadata: { ownerReferences: [] } };
    expect(await asksFor('Pod', 'shop/launcher-1', edit)).toContain('pods shop/vm:vm');
  });
});

describe('an IP object', () => {
  it('that is reserved no longer has its pod looked at, which may be gone', async () => {
    const { asksFor } = await setUp([ipOf('gone', '10.1.0.2', { [RESERVED]: 'true' })]);
    const labels = { [RESERVED]: 'false' };
    expect(await asksFor('IP', 'gone.shop', { metadata: { labels } })).toContain('pods shop/gone');
  });

  it('of which something else has changed has not', async () => {
    const { asksFor } = await setUp([ipOf('a', '10.1.0.2')]);
    const labels = { other: 'label' };
    expect(await asksFor('IP', 'a.shop', { metadata: { labels } })).not.toContain('pods shop/a');
  });
});
