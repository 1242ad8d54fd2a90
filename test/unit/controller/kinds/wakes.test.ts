/** What pods wait for, and which change wakes which of them: work queue, lookups and names together. */

import { afterEach, describe, expect, it } from 'vitest';
import { NotDone } from '../../../../src/common/reconcile/not-done.ts';
import { WorkQueue } from '../../../../src/common/reconcile/work-queue.ts';
import { Allocator } from '../../../../src/controller/ipam/allocator/allocator.ts';
import type { Pod } from '../../../../src/controller/kinds/pod/object/pod.ts';
import { waitsOfNics } from '../../../../src/controller/kinds/wake-names.ts';
import { Wakes } from '../../../../src/controller/kinds/wakes.ts';
import { checkedValue } from '../../../../src/controller/model/problem.ts';
import { waitFor } from '../../../../src/controller/model/wait-names.ts';
import { podNetworks } from '../../../../src/controller/networks/pod-networks.ts';
import { trackedView } from '../../../../src/controller/networks/tracked-view.ts';
import { RecordingLog } from '../../daemon/recording-log.ts';
import {
  type Cluster,
  MACVLAN_NAD,
  macvlanSubnet,
  NETWORKS,
  nicsOf,
  ovnDefault,
  podOf,
  viewOf,
} from '../networks/support.ts';

const queues: WorkQueue[] = [];
afterEach(async () => {
  for (const queue of queues.splice(0)) await queue.stop();
});

/** Pods that are worked on as far as their networks, in a cluster that changes. */
async function waitingPods(pods: readonly Pod[], before: Cluster) {
  let view = viewOf(before);
  const allocator = new Allocator();
  const byName = new Map(pods.map((pod) => [pod.name, pod]));
  const runs = new Map<string, number>();
  const queue = new WorkQueue({
    concurrency: 8,
    what: 'the networks of a pod',
    log: new RecordingLog(),
    work: async (name) => {
      runs.set(name, (runs.get(name) ?? 0) + 1);
      const pod = byName.get(name) as Pod;
      const tracked = trackedView(view, pod.namespace);
      const networks = podNetworks(pod, tracked.view);
      if ('problems' in networks) throw new NotDone('no networks', { waitsFor: tracked.lookups });
      try {
        for (const { port, mac, attempts } of networks.nics) {
          const [{ subnet, addresses }] = attempts;
          allocator.acquire({ nic: port, pod: name, subnet: subnet.name, addresses, mac });
        }
      } catch {
        const waitsFor = [...tracked.lookups, ...waitsOfNics(networks.nics)];
        throw new NotDone('no address', { waitsFor });
      }
    },
  });
  queues.push(queue);
  const setSubnets = () => {
    for (const { meta, checked } of view.subnets.all) {
      const subnet = checkedValue(checked);
      if (subnet === undefined) continue;
      const { blocks, excludes } = subnet;
      allocator.setSubnet({ name: meta.name, blocks, excludes });
    }
  };
  setSubnets();
  const known = {
    allocator,
    subnet: (name: string) => view.subnets.get(name),
  };
  const collections = { namespaces: new Map(), ipPools: new Map(), subnets: new Map() };
  const wakes = new Wakes({ addresses: known, cluster: collections, queues: queue } as never);
  for (const name of byName.keys()) queue.add(name);
  await queue.idle();
  return {
    queue,
    allocator,
    wakes,
    runsOf: (name: string) => runs.get(name) ?? 0,
    change: async (cluster: Cluster, wake: (wakes: Wakes) => void) => {
      view = viewOf(cluster);
      setSubnets();
      wake(wakes);
      await queue.idle();
    },
  };
}

const NADS = { 'default/macvlan': MACVLAN_NAD };
const WHOLE: Cluster = { nads: NADS, subnets: { macvlan: macvlanSubnet } };
const SWITCH = 'macvlan.default.kubernetes.io/logical_switch';

describe('a pod that lacks', () => {
  const pod = podOf({ [NETWORKS]: 'macvlan' }, { name: 'waits' });

  it.each<[what: string, Cluster, (wakes: Wakes) => void]>([
    [
      'the NetworkAttachmentDefinition',
      { subnets: { macvlan: macvlanSubnet } },
      (wakes) => wakes.wake(waitFor.nad('default', 'macvlan')),
    ],
    ['the Subnet of a provider', { nads: NADS }, (wakes) => wakes.subnet('macvlan')],
    [
      'the Subnet to be right',
      { nads: NADS, subnets: { macvlan: { ...macvlanSubnet, gateway: '9.9.9.9' } } },
      (wakes) => wakes.subnet('macvlan'),
    ],
  ])('%s is woken by that, and by nothing else', async (_what, before, wake) => {
    const { change, queue } = await waitingPods([pod], before);
    expect(queue.figures).toMatchObject({ runs: 1, paused: 1 });
    await change(before, (wakes) => {
      wakes.wake(waitFor.nad('default', 'other'), waitFor.ip('other.default'));
      wakes.subnet('other');
      wakes.namespaces(['default', 'other']);
    });
    expect(queue.figures.runs).toBe(1);
    await change(WHOLE, wake);
    expect(queue.figures).toMatchObject({ runs: 2, paused: 0 });
  });

  it('the Subnet that it names is woken by that one', async () => {
    const named = podOf({ [NETWORKS]: 'macvlan', [SWITCH]: 'front' }, { name: 'names' });
    const { change, queue } = await waitingPods([named], WHOLE);
    await change(WHOLE, (wakes) => wakes.subnet('macvlan'));
    expect(queue.figures.runs).toBe(1);
    const front = { ...macvlanSubnet, provider: 'front.default', cidrBlock: '10.9.0.0/24' };
    const { gateway: _, ...spec } = front;
    await change({ ...WHOLE, subnets: { front: spec } }, (wakes) => wakes.subnet('front'));
    expect(queue.figures).toMatchObject({ runs: 2, paused: 0 });
  });

  it('a Subnet of its namespace is woken by one that is for the namespace', async () => {
    const primary: Cluster = { settings: { isPrimary: true } };
    const { change, queue } = await waitingPods([podOf({}, { name: 'primary' })], primary);
    expect(queue.figures.paused).toBe(1);
    const others = { ...ovnDefault, default: false, namespaces: ['other'] };
    await change({ ...primary, subnets: { others } }, (wakes) => wakes.subnet('others'));
    expect(queue.figures.runs).toBe(1);
    const own = { ...others, namespaces: ['default'] };
    await change({ ...primary, subnets: { own } }, (wakes) => wakes.subnet('own'));
    expect(queue.figures).toMatchObject({ runs: 2, paused: 0 });
  });
});

describe('of pods that wait for addresses', () => {
  const small = { provider: 'macvlan.default', cidrBlock: '10.1.0.0/30' };
  const cluster: Cluster = { nads: NADS, subnets: { macvlan: small } };
  const IP = 'macvlan.default.kubernetes.io/ip_address';
  const pods = [
    podOf({ [NETWORKS]: 'macvlan' }, { name: 'has' }),
    ...Array.from({ length: 50 }, (_, index) =>
      podOf({ [NETWORKS]: 'macvlan' }, { name: `any-${index}` }),
    ),
    podOf({ [NETWORKS]: 'macvlan', [IP]: '10.1.0.2' }, { name: 'wants-2' }),
    podOf({ [NETWORKS]: 'macvlan', [IP]: '10.1.0.1' }, { name: 'wants-gateway' }),
  ];

  it('as many are woken as there are addresses, and who wants others is not', async () => {
    const { allocator, queue, wakes, runsOf } = await waitingPods(pods, cluster);
    expect(queue.figures).toMatchObject({ runs: 53, paused: 52 });
    const nic = nicsOf(pods[0] as Pod, cluster)[0]?.port ?? '';
    const held = allocator.release({ nic, pod: 'has' });
    if (held === undefined) throw new Error('pod has holds nothing');
    wakes.freed(held);
    await queue.idle();
    // The one that asks for it by name may be first, or the first of those that take any.
    expect(queue.figures.paused).toBe(51);
    expect(queue.figures.runs).toBeLessThanOrEqual(55);
    expect(runsOf('wants-gateway')).toBe(1);
    expect(runsOf('any-49')).toBe(1);
  });
});
