import { describe, expect, it } from 'vitest';
import {
  comesBack,
  isAlive,
  keepsAddresses,
  releasedAtMs,
} from '../../../../../../src/controller/kinds/pod/object/liveness.ts';
import {
  ownerOfPod,
  podIndex,
  projectPod,
  workloadOf,
} from '../../../../../../src/controller/kinds/pod/object/pod.ts';
import { projectStatefulSet } from '../../../../../../src/controller/kinds/stateful-set/object/stateful-set.ts';
import { address, MACVLAN, rawObject, subnetOf } from '../../object-support.ts';

const DELETED = '2026-11-21T16:00:00Z';
const NOW = Date.parse(DELETED);

const pod = (metadata: object = {}, spec: object = {}, status: object = {}) =>
  projectPod(rawObject('web-0', { metadata: { namespace: 'shop', ...metadata }, spec, status }));

describe('a Pod object', () => {
  it('is kept with what has to do with networks', () => {
    const annotations = {
      'k8s.v1.cni.cncf.io/networks': 'default/macvlan',
      'v1.multus-cni.io/default-network': 'default/macvlan',
      'macvlan.default.kubernetes.io/ip_address.net1': '172.17.0.5',
      'kubevirt.io/migrationJobName': 'job',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      'example.com/a': 'b',
    };
    const kept = pod({ annotations }, { nodeName: 'node1', hostNetwork: true });
    expect(kept).toMatchObject({
      namespace: 'shop',
      name: 'web-0',
      uid: 'uid-web-0',
      resourceVersion: '7',
      nodeName: 'node1',
      hostNetwork: true,
      migrating: true,
    });
    expect(Object.keys(kept.annotations)).toHaveLength(4);
    expect(kept.annotations.toString).toBeUndefined();
  });

  it('may be bare', () => {
    for (const raw of [undefined, null, 7, 'x', {}, { metadata: null }, { spec: [] }]) {
      expect(projectPod(raw)).toMatchObject({ name: '', nodeName: '', hostNetwork: false });
    }
  });
});

describe("a pod's owner", () => {
  const statefulSet = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'sts' };

  it('is a StatefulSet whose name its own begins with', () => {
    const owned = pod({ ownerReferences: [{ kind: 'X' }, statefulSet] });
    expect(owned.statefulSet).toEqual({ name: 'web', uid: 'sts' });
    for (const other of [{ name: 'we' }, { apiVersion: 'x/v1' }, { kind: 'ReplicaSet' }]) {
      const unlike = pod({ ownerReferences: [{ ...statefulSet, ...other }] });
      expect(unlike.statefulSet).toBeUndefined();
    }
  });

  it('may be a virtual machine, whose name addresses are under', () => {
    const vmi = {
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachineInstance',
      name: 'vm-1',
      uid: 'vmi',
    };
    const owned = pod({ ownerReferences: [vmi] });
    expect(owned.machine).toEqual({ name: 'vm-1', uid: 'vmi' });
    expect(ownerOfPod(owned, { keepsVmAddresses: true })).toBe('shop/vm:vm-1');
    expect(ownerOfPod(owned, { keepsVmAddresses: false })).toBe('shop/web-0');
    expect(workloadOf(owned, { keepsVmAddresses: true })).toBe('vm-1');
    expect(workloadOf(owned, { keepsVmAddresses: false })).toBe('web-0');
  });

  it.each(['..', 'x?watch=true', 'a/b', '', 'Vm'])(
    'is no virtual machine of the name %j',
    (name) => {
      const vmi = {
        apiVersion: 'kubevirt.io/v1',
        kind: 'VirtualMachineInstance',
        name,
        uid: 'vmi',
      };
      expect(pod({ ownerReferences: [vmi] }).machine).toBeUndefined();
    },
  );

  it.each([
    ['web-0', 0],
    ['web-12', 12],
    ['a-1-b-3', 3],
    ['web', undefined],
    ['web-x', undefined],
    ['web-1x', undefined],
    ['web-99999999999999999999', undefined],
  ])('tells the number of pod %s', (name, index) => {
    expect(podIndex(name)).toBe(index);
  });
});

const NO_NODES = { get: () => undefined };

describe('a pod', () => {
  it.each([
    ['runs', {}, {}, { phase: 'Running' }, true],
    ['is to be restarted', {}, { restartPolicy: 'Always' }, { phase: 'Succeeded' }, true],
    ['has completed', {}, { restartPolicy: 'OnFailure' }, { phase: 'Succeeded' }, false],
    ['will be tried again', {}, { restartPolicy: 'OnFailure' }, { phase: 'Failed' }, true],
    ['has failed for good', {}, { restartPolicy: 'Never' }, { phase: 'Failed' }, false],
    ['was evicted', {}, { restartPolicy: 'Always' }, { phase: 'Failed', reason: 'Evicted' }, false],
    [
      'has time to end',
      { deletionTimestamp: DELETED, deletionGracePeriodSeconds: 30 },
      {},
      { phase: 'Running' },
      true,
    ],
  ])('needs its addresses or not: it %s', (_, metadata, spec, status, alive) => {
    expect(isAlive(pod(metadata, spec, status), NOW + 30_000, NO_NODES)).toBe(alive);
  });

  it('needs none once its time is up', () => {
    const deleted = pod({ deletionTimestamp: DELETED, deletionGracePeriodSeconds: 30 });
    expect(isAlive(deleted, NOW + 30_001, NO_NODES)).toBe(false);
  });

  it.each([
    ['that is there', { isReady: true }, 'Running', true],
    ['that is there, and has told that it has ended it', { isReady: true }, 'Failed', false],
    ['of which nothing is heard', { isReady: false }, 'Running', false],
    ['that is gone', undefined, 'Running', false],
  ])('and is not ended by time alone on a node %s', (_, node, phase, alive) => {
    const metadata = { deletionTimestamp: DELETED, deletionGracePeriodSeconds: 1 };
    const spec = { nodeName: 'node-1', restartPolicy: 'Always' };
    const nodes = { get: (name: string) => (name === 'node-1' ? node : undefined) };
    expect(isAlive(pod(metadata, spec, { phase }), NOW + 60_000, nodes)).toBe(alive);
  });

  it('loses them at the latest when it should have ended', () => {
    expect(releasedAtMs(pod())).toBeUndefined();
    const spec = { terminationGracePeriodSeconds: 5 };
    expect(releasedAtMs(pod({ deletionTimestamp: DELETED }, spec))).toBe(NOW + 5_000);
    expect(releasedAtMs(pod({ deletionTimestamp: DELETED }))).toBe(NOW + 30_000);
  });
});

describe("a StatefulSet's pod", () => {
  const owner = { name: 'web', uid: 'uid-web' };
  const set = (spec: object = {}, metadata: object = {}) =>
    projectStatefulSet(rawObject('web', { metadata: { namespace: 'shop', ...metadata }, spec }));

  it.each([
    ['its set is there', 'web-0', set(), true],
    ['its number is too high', 'web-1', set(), false],
    ['its number is one of several', 'web-2', set({ replicas: 3 }), true],
    ['the numbers begin later', 'web-6', set({ replicas: 2, ordinals: { start: 5 } }), true],
    ['its number is below the first', 'web-4', set({ replicas: 2, ordinals: { start: 5 } }), false],
    ['the numbers end', 'web-7', set({ replicas: 2, ordinals: { start: 5 } }), false],
    ['there are to be none', 'web-0', set({ replicas: 0 }), false],
    ['its set is gone', 'web-0', undefined, false],
    ['its set is another', 'web-0', set({}, { uid: 'new' }), false],
    ['its set is being deleted', 'web-0', set({}, { deletionTimestamp: DELETED }), false],
    ['its name has no number', 'web-x', set(), true],
  ])('comes back or not: %s', (_, name, current, expected) => {
    expect(comesBack(name, owner, current)).toBe(expected);
  });

  it.each([
    ['they are of its Subnet', {}, '172.17.0.5', true],
    ['they are not any more', {}, '172.18.0.5', false],
    ['the set asks for that Subnet', { logical_switch: 'net' }, '172.17.0.5', true],
    ['the set asks for another Subnet', { logical_switch: 'other' }, '172.17.0.5', false],
  ])('has its addresses again or not: %s', (_, asked, text, expected) => {
    const annotations = Object.fromEntries(
      Object.entries(asked).map(([name, value]) => [`a.b.kubernetes.io/${name}`, value]),
    );
    const current = set({ template: { metadata: { annotations } } });
    const subnet = subnetOf(MACVLAN, 'net');
    expect(keepsAddresses([address(text)], 'a.b', current, subnet)).toBe(expected);
    expect(keepsAddresses([address(text)], 'a.b', current, undefined)).toBe(true);
  });

  it('is on the Subnets that the set says', () => {
    const annotations = { 'a.b.ovn.kubernetes.io/logical_switch': 'net', 'a/b': 'c' };
    const { logicalSwitches, namespace } = set({ template: { metadata: { annotations } } });
    expect(namespace).toBe('shop');
    expect([...logicalSwitches]).toEqual([['a.b.ovn.kubernetes.io/logical_switch', 'net']]);
  });
});
