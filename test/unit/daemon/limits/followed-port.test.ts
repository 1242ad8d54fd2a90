import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logicalSwitchPort } from '../../../../src/common/names.ts';
import {
  isPortOfPod,
  portOfPod,
  readFollowedPort,
} from '../../../../src/daemon/limits/followed-port.ts';
import { type Pod, projectPod } from '../../../../src/daemon/model/pod.ts';
import type { InterfaceRow } from '../../../../src/daemon/ovs/port.ts';
import { CONTAINER_ID, HOSTILE_TEXTS, NETNS } from '../support.ts';

const ATTACHED = 'attachnet.default.ovn';
type Ids = Readonly<Record<string, string>>;

/** As Kube-OVN's Go daemon marks a port. */
const GO_IDS: Ids = {
  'iface-id': 'web-0.shop',
  vendor: 'kube-ovn',
  pod_name: 'web-0',
  pod_namespace: 'shop',
  pod_netns: NETNS,
};
const IDS: Ids = {
  ...GO_IDS,
  'iface-id': `web-0.shop.${ATTACHED}`,
  'iface-id-ver': 'uid-1',
  container_id: CONTAINER_ID,
  if_name: 'net1',
  provider: ATTACHED,
  network: 'attachnet',
};

const rowOf = (externalIds: Ids, others: Partial<InterfaceRow> = {}): InterfaceRow => ({
  ...{ name: 'c0ffee01_net1_h', externalIds, error: null, type: '' },
  ...others,
});
const read = (externalIds: Ids) => readFollowedPort(rowOf(externalIds));
const without = (key: string) => {
  const { [key]: _, ...others } = IDS;
  return others;
};

describe('a port that is followed', () => {
  it('is one of ours, with all that its limits need', () => {
    expect(read({ ...IDS, bandwidth: 'ingress=5/6,egress=7' })).toEqual({
      name: 'c0ffee01_net1_h',
      ifaceId: `web-0.shop.${ATTACHED}`,
      workload: 'web-0',
      provider: ATTACHED,
      ifName: 'net1',
      podUid: 'uid-1',
      attachment: expect.objectContaining({
        containerId: CONTAINER_ID,
        ifName: 'net1',
        pod: { namespace: 'shop', name: 'web-0' },
      }),
      bandwidth: { ingressBps: 5, ingressBurstBits: 6, egressBps: 7 },
    });
  });

  it("is one of Kube-OVN's Go daemon, which says less", () => {
    expect(read(GO_IDS)).toMatchObject({
      provider: 'ovn',
      ifName: '',
      podUid: undefined,
      attachment: { containerId: '', ifName: '' },
      bandwidth: undefined,
    });
  });

  it.each([
    ['web-0.shop', 'ovn', ''],
    [`web-0.shop.${ATTACHED}`, ATTACHED, ''],
    [`web-0.shop.${ATTACHED}.net1`, ATTACHED, 'net1'],
    [`web-0.shop.${ATTACHED}.net1.100`, ATTACHED, 'net1.100'],
  ])('has its network, and its interface, in %s', (ifaceId, provider, ifName) => {
    expect(read({ ...GO_IDS, 'iface-id': ifaceId })).toMatchObject({ provider, ifName });
    const ours = read({ ...IDS, 'iface-id': ifaceId, if_name: 'eth7' });
    expect(ours).toMatchObject({ provider, ifName: 'eth7' });
  });

  it('has the network that it was named after, whatever the names', async () => {
    const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?$/);
    const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((all) => all.join('.'));
    const names = fc.record({
      workload: name,
      namespace: label,
      network: label,
      ofNetwork: label,
      ifName: fc.option(fc.constantFrom('net1', 'eth0.7', 'ovn'), { nil: undefined }),
    });
    await fc.assert(
      fc.property(names, ({ workload, namespace, network, ofNetwork, ifName }) => {
        const provider = `${network}.${ofNetwork}.ovn`;
        const ifaceId = logicalSwitchPort({ workload, namespace, provider, ifName });
        const ids = { ...GO_IDS, pod_name: workload, pod_namespace: namespace };
        const port = read({ ...ids, 'iface-id': ifaceId });
        expect(port).toMatchObject({ workload, provider, ifName: ifName ?? '' });
        const ofPrimary = logicalSwitchPort({ workload, namespace, provider: 'ovn' });
        expect(read({ ...ids, 'iface-id': ofPrimary })).toMatchObject({
          workload,
          provider: 'ovn',
        });
      }),
    );
  });

  it('does not have a bandwidth that somebody wrote otherwise', () => {
    for (const bandwidth of ['', 'ingress=0', 'ingress=5 ', ...HOSTILE_TEXTS]) {
      expect(read({ ...IDS, bandwidth })).toMatchObject({ ifName: 'net1', bandwidth: undefined });
    }
  });
});

describe('a row that is not followed', () => {
  it.each([
    ['has no iface-id: a newer sandbox took it', without('iface-id')],
    ['has no vendor', without('vendor')],
    ["is another vendor's", { ...IDS, vendor: 'ovs-cni' }],
    ['does not say its namespace', without('pod_netns')],
    ['has half a key', without('if_name')],
    ["has another pod's iface-id", { ...IDS, 'iface-id': `web-1.shop.${ATTACHED}` }],
    ["has an iface-id that begins like the pod's", { ...IDS, 'iface-id': 'web-0.shopping' }],
    ["has a namespace that begins like the pod's", { ...IDS, 'iface-id': 'web-0.shop-a.b.ovn' }],
    ["has an iface-id of a network that is not OVN's", { ...IDS, 'iface-id': 'web-0.shop.a.b.c' }],
    ['has an iface-id that ends early', { ...IDS, 'iface-id': 'web-0.shop.a.b' }],
    ['has an empty iface-id', { ...IDS, 'iface-id': '' }],
    ['has no marks', {}],
  ])('%s', (_, ids) => {
    expect(read(ids as Ids)).toBeUndefined();
  });

  it('is one that is no link of the kernel', () => {
    expect(readFollowedPort(rowOf(IDS, { type: 'internal' }))).toBeUndefined();
    expect(readFollowedPort(rowOf(IDS, { name: 'if7_h' }))).toBeUndefined();
  });
});

describe('a port of a pod', () => {
  const podOf = (
    changes: {
      name?: string;
      namespace?: string;
      uid?: string;
      annotations?: Ids;
      ownerReferences?: readonly object[];
    } = {},
  ) => projectPod({ metadata: { name: 'web-0', namespace: 'shop', uid: 'uid-1', ...changes } });
  const MIRROR = { 'kubernetes.io/config.hash': 'static' };
  const VM = {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachineInstance',
    name: 'vm-1',
    uid: 'uid-vm',
  };
  const launcherOf = (annotations: Ids) => podOf({ annotations, ownerReferences: [VM] });
  const STATIC = { ...IDS, static_pod: 'static' };
  const vmOf = (prefix: string) => ({ [`${prefix}.kubernetes.io/virtualmachine`]: 'vm-1' });
  const goVm = (ifaceId: string): Ids => ({ ...GO_IDS, pod_name: 'vm-1', 'iface-id': ifaceId });
  const sharing = { [`${ATTACHED}.net1.kubernetes.io/ip_address`]: '' };

  it.each<[string, Ids, Pod, boolean]>([
    ['with its UID', IDS, podOf(), true],
    ['that had its name', IDS, podOf({ uid: 'uid-2' }), false],
    ['of another namespace', IDS, podOf({ namespace: 'other' }), false],
    [
      'that is a virtual machine, with its UID',
      { ...IDS, pod_name: 'vm-1', 'iface-id': `vm-1.shop.${ATTACHED}` },
      podOf({ name: 'virt-launcher-1' }),
      true,
    ],
    [
      'that is the mirror of a static pod, and got a new UID',
      STATIC,
      podOf({ uid: 'uid-2', annotations: MIRROR }),
      true,
    ],
    [
      'that is the mirror of another static pod',
      { ...IDS, static_pod: 'other' },
      podOf({ uid: 'uid-2', annotations: MIRROR }),
      false,
    ],
    [
      "of a pod that is none, by a static pod's annotation",
      IDS,
      podOf({ uid: 'uid-2', annotations: MIRROR }),
      false,
    ],
    ["of the Go daemon's, by its name", GO_IDS, podOf({ uid: 'uid-9' }), true],
    ["of the Go daemon's, by another name", GO_IDS, podOf({ name: 'web-1' }), false],
    [
      "of the Go daemon's, by its virtual machine's name",
      goVm('vm-1.shop'),
      launcherOf(vmOf('ovn')),
      true,
    ],
    [
      "of the Go daemon's, by the name of a virtual machine that it only says it runs",
      goVm('vm-1.shop'),
      podOf({ annotations: vmOf('ovn') }),
      false,
    ],
    [
      "of the Go daemon's, by its name where it is a virtual machine",
      GO_IDS,
      launcherOf(vmOf('ovn')),
      false,
    ],
    [
      "of the Go daemon's, by the virtual machine's name on another network",
      goVm(`vm-1.shop.${ATTACHED}`),
      launcherOf(vmOf('ovn')),
      false,
    ],
    [
      "of the Go daemon's, by the virtual machine's name where several NICs share the network",
      goVm(`vm-1.shop.${ATTACHED}.net1`),
      launcherOf({ ...sharing, ...vmOf(`${ATTACHED}.net1`) }),
      true,
    ],
    [
      "of the Go daemon's, with an empty name for a virtual machine",
      GO_IDS,
      podOf({ annotations: { 'ovn.kubernetes.io/virtualmachine': '' } }),
      true,
    ],
  ])('is told: %s', (_, ids, pod, expected) => {
    const port = read(ids);
    expect(port && isPortOfPod(port, pod)).toBe(expected);
    expect(portOfPod(rowOf(ids), pod)).toEqual(expected ? port : undefined);
  });

  it('is found in a row exactly where the row is read and is of the pod', async () => {
    const ids = fc.record(
      {
        vendor: fc.constantFrom('kube-ovn', 'kube-ovn', 'kube-ovn', 'ovs-cni'),
        'iface-id': fc.constantFrom('web-0.shop', `web-0.shop.${ATTACHED}`, 'vm-1.shop'),
        'iface-id-ver': fc.constantFrom('uid-1', 'uid-2'),
        pod_name: fc.constantFrom('web-0', 'web-0', 'vm-1'),
        pod_namespace: fc.constantFrom('shop', 'shop', 'shop', 'other'),
        pod_netns: fc.constant(NETNS),
        container_id: fc.constant(CONTAINER_ID),
        if_name: fc.constant('net1'),
      },
      { requiredKeys: ['vendor', 'iface-id', 'pod_name', 'pod_netns'] },
    );
    const pods = fc.constantFrom(
      podOf(),
      launcherOf(vmOf('ovn')),
      podOf({ annotations: MIRROR, uid: 'uid-3' }),
    );
    let found = 0;
    await fc.assert(
      fc.property(ids, pods, (one, pod) => {
        const port = read(one);
        const expected = port !== undefined && isPortOfPod(port, pod) ? port : undefined;
        expect(portOfPod(rowOf(one), pod)).toEqual(expected);
        if (expected !== undefined) found += 1;
      }),
      { numRuns: 1000 },
    );
    expect(found).toBeGreaterThan(50);
  });
});
