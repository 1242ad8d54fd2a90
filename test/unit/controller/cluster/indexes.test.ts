import { describe, expect, it } from 'vitest';
import { IpIndex } from '../../../../src/controller/cluster/ip-index.ts';
import { Machines } from '../../../../src/controller/cluster/machines.ts';
import { PodIndex } from '../../../../src/controller/cluster/pod-index.ts';
import { kubeOvn, machineInstance, podObject, setUpCluster, shows, start } from '../support.ts';

const ip = (name: string, podName: string, subnet: string) =>
  kubeOvn('IP', name, { podName, namespace: 'shop', subnet, v4IpAddress: '10.0.0.5' });

async function setUpIps() {
  const all = await setUpCluster([
    ip('a.shop', 'a', 'front'),
    ip('a.shop.net.shop.ovn', 'a', 'back'),
    ip('b.shop', 'b', 'front'),
  ]);
  const { ips } = all.cluster;
  const index = new IpIndex(ips, all.settings);
  await start(ips);
  return {
    ...all,
    ips,
    owners: () => [...index.owners()].sort(),
    ofOwner: (owner: string) => [...index.ofOwner(owner).keys()].sort(),
    ofSubnet: (subnet: string) => [...index.ofSubnet(subnet).keys()].sort(),
    specOf: (owner: string, name: string) => index.ofOwner(owner).get(name)?.spec,
    [Symbol.asyncDispose]: all[Symbol.asyncDispose],
  };
}

describe('the index of IP objects', () => {
  it('has them by pod and by Subnet', async () => {
    await using all = await setUpIps();
    expect(all.owners()).toEqual(['shop/a', 'shop/b']);
    expect(all.ofOwner('shop/a')).toEqual(['a.shop', 'a.shop.net.shop.ovn']);
    expect(all.ofSubnet('front')).toEqual(['a.shop', 'b.shop']);
    expect(all.ofSubnet('back')).toEqual(['a.shop.net.shop.ovn']);
  });

  it('has nothing of what nobody has', async () => {
    await using all = await setUpIps();
    expect([all.ofOwner('shop/c'), all.ofSubnet('side')]).toEqual([[], []]);
  });

  it('follows an object to another pod and to another Subnet', async () => {
    await using all = await setUpIps();
    all.server.patch('IP', 'b.shop', { spec: { podName: 'a', subnet: 'back' } });
    await shows(all.ips, () => all.ips.get('b.shop')?.spec.subnet === 'back');
    expect(all.owners()).toEqual(['shop/a']);
    expect(all.ofOwner('shop/a')).toContain('b.shop');
    expect(all.ofOwner('shop/b')).toEqual([]);
    expect(all.ofSubnet('front')).toEqual(['a.shop']);
    expect(all.ofSubnet('back')).toContain('b.shop');
  });

  it('records of routers’ addresses are no pod’s, whatever the pod is called', async () => {
    await using all = await setUpIps();
    const name = 'u2o-interconnection.ovn-cluster.front';
    all.server.create(ip(name, name, 'front'));
    await shows(all.ips, () => all.ips.get(name) !== undefined);
    expect(all.ofOwner(`shop/${name}`)).toEqual([]);
    expect(all.ofOwner(`/${name}`)).toEqual([name]);
    expect(all.ofSubnet('front')).toContain(name);
  });

  it('shows objects as they are now', async () => {
    await using all = await setUpIps();
    all.server.patch('IP', 'b.shop', { spec: { v4IpAddress: '10.0.0.9' } });
    await shows(all.ips, () => all.ips.get('b.shop')?.spec.v4IpAddress === '10.0.0.9');
    expect(all.specOf('shop/b', 'b.shop')?.v4IpAddress).toBe('10.0.0.9');
  });

  it('forgets objects that are gone, and pods without any', async () => {
    await using all = await setUpIps();
    for (const name of ['a.shop', 'b.shop']) all.server.delete('IP', name);
    await shows(all.ips, () => all.ips.get('b.shop') === undefined);
    expect(all.owners()).toEqual(['shop/a']);
    expect(all.ofOwner('shop/a')).toEqual(['a.shop.net.shop.ovn']);
    expect(all.ofSubnet('front')).toEqual([]);
  });
});

async function setUpPods(
  objects: Parameters<typeof setUpCluster>[0],
  settings: Parameters<typeof setUpCluster>[1] = {},
) {
  const all = await setUpCluster(objects, settings);
  const { pods, machineInstances } = all.cluster;
  const machines = new Machines(all.cluster, all.settings);
  const index = new PodIndex(all.cluster, all.settings, machines);
  await start(machineInstances, pods);
  const dispose = all[Symbol.asyncDispose];
  return { ...all, pods, index, [Symbol.asyncDispose]: dispose };
}

/** A pod that says it is the machine’s, and was given an address. */
const toldPod = (name: string) =>
  podObject(name, {
    virtualMachine: 'vm',
    annotations: { 'ovn.kubernetes.io/allocated': 'true' },
  });

const vmPod = (name: string, phase = 'Running') => podObject(name, { virtualMachine: 'vm', phase });

describe('the index of pods', () => {
  it('has a pod under its own key', async () => {
    await using all = await setUpPods([podObject('a')]);
    expect(all.index.keysOf('shop/a')).toEqual(['shop/a']);
  });

  it("has a virtual machine's pods under its name", async () => {
    await using all = await setUpPods([vmPod('launcher-1'), vmPod('launcher-2')]);
    const keys = ['shop/vm:vm', 'shop/launcher-1', 'shop/launcher-2'];
    expect(all.index.keysOf('shop/vm:vm')).toEqual(keys);
    expect(all.index.keysOf('shop/launcher-1')).toEqual(['shop/launcher-1']);
  });

  it('forgets pods that are gone', async () => {
    await using all = await setUpPods([vmPod('launcher-1'), vmPod('launcher-2')]);
    all.server.finishDeletion('shop/launcher-1');
    await shows(all.pods, () => all.pods.get('shop/launcher-1') === undefined);
    expect(all.index.keysOf('shop/vm:vm')).toEqual(['shop/vm:vm', 'shop/launcher-2']);
  });

  it('has them under their own keys where addresses are not kept by the name of the machine', async () => {
    await using all = await setUpPods([vmPod('launcher-1')], { keepsVmAddresses: false });
    expect(all.index.keysOf('shop/vm:vm')).toEqual(['shop/vm:vm']);
  });

  it.each([
    ['Running', {}, true],
    ['Pending', {}, true],
    ['Succeeded', {}, false],
    ['Failed', {}, false],
    ['Running', { hostNetwork: true }, false],
  ])('a pod that is %s, %j, runs: %s', async (phase, spec, runs) => {
    await using all = await setUpPods([podObject('a', { phase, spec })]);
    expect(all.index.isRunning('shop/a')).toBe(runs);
  });

  it('knows whether another pod of the machine than one runs', async () => {
    await using all = await setUpPods([
      machineInstance('vm'),
      vmPod('launcher-1'),
      vmPod('launcher-2', 'Succeeded'),
    ]);
    expect(all.index.isRunning('shop/vm:vm')).toBe(true);
    expect(all.index.isRunning('shop/vm:vm', 'shop/launcher-1')).toBe(false);
    expect(all.index.isRunning('shop/vm:vm', 'shop/launcher-2')).toBe(true);
    expect(all.index.isRunning('shop/nobody')).toBe(false);
  });

  describe('of a machine whose instance has gone, a pod that still runs', () => {
    const names = ['launcher', 'thief'];

    /** The pods of the machine, of which the instance lists the first alone. */
    async function setUpMachine(more: Parameters<typeof setUpCluster>[0] = []) {
      const all = await setUpPods([
        machineInstance('vm'),
        ...names.map((name) => toldPod(name)),
        ...more,
      ]);
      const { machineInstances } = all.cluster;
      const uid = String(all.server.get('Pod', 'shop/launcher').metadata.uid);
      const list = async (activePods: Record<string, string>) => {
        all.server.patch('VirtualMachineInstance', 'shop/vm', { status: { activePods } });
        const uids = Object.keys(activePods).join();
        const listed = () => [...(machineInstances.get('shop/vm')?.activePods ?? [])].join();
        await shows(machineInstances, () => listed() === uids);
      };
      await list({ [uid]: 'node-1' });
      const end = async (name: string) => {
        all.server.finishDeletion(`shop/${name}`);
        await shows(all.pods, () => all.pods.get(`shop/${name}`) === undefined);
      };
      const instanceGoes = async () => {
        all.server.delete('VirtualMachineInstance', 'shop/vm');
        await shows(machineInstances, () => machineInstances.get('shop/vm') === undefined);
      };
      return { ...all, end, instanceGoes, [Symbol.asyncDispose]: all[Symbol.asyncDispose] };
    }

    it('needs its addresses where the instance had listed it', async () => {
      await using all = await setUpMachine();
      await all.instanceGoes();
      expect(all.index.isRunning('shop/vm:vm')).toBe(true);
      expect(all.index.isRunning('shop/vm:vm', 'shop/launcher')).toBe(false);
      await all.end('launcher');
      expect(all.index.isRunning('shop/vm:vm')).toBe(false);
    });

    it('keeps nothing by naming the instance as its owner, and by saying that it was given it', async () => {
      await using all = await setUpMachine();
      await all.end('launcher');
      await all.instanceGoes();
      expect(all.index.keysOf('shop/vm:vm')).toContain('shop/thief');
      expect(all.index.isRunning('shop/vm:vm')).toBe(false);
    });

    it('nor by the name of the machine', async () => {
      await using all = await setUpMachine([toldPod('vm')]);
      await all.end('launcher');
      await all.instanceGoes();
      expect(all.index.isRunning('shop/vm:vm')).toBe(false);
    });

    it('nor after the controller has begun anew, since KubeVirt has instances go last', async () => {
      await using all = await setUpPods(names.map((name) => toldPod(name)));
      expect(all.index.isRunning('shop/vm:vm')).toBe(false);
    });

    it('nor that of another machine, by naming that later', async () => {
      await using all = await setUpMachine();
      await all.instanceGoes();
      const [owner] = all.server.get('Pod', 'shop/launcher').metadata.ownerReferences as object[];
      const ownerReferences = [{ ...owner, name: 'other' }];
      all.server.patch('Pod', 'shop/launcher', { metadata: { ownerReferences } });
      await shows(all.pods, () => all.pods.get('shop/launcher')?.machine?.name === 'other');
      expect(all.index.isRunning('shop/vm:other')).toBe(false);
    });
  });
});
