/** Which change has what worked on, and what it wakes: all kinds together, with queues that only count. */
import { describe, expect, it } from 'vitest';
import type { DriftChange } from '../../../../src/controller/ovn/drift-tables.ts';
import type { NewObject } from '../../../lab/kubernetes/object.ts';
import { frontSubnet, ipOf, nadOf, podWith } from '../ipam/addresses-support.ts';
import { kubeOvn, machineInstance, podObject } from '../support.ts';
import { setUpKinds } from './kinds-set-up.ts';

const RESERVED = 'ovn.kubernetes.io/ip_reserved';

describe('a pod of a virtual machine that changes', () => {
  const launchers = ['launcher-1', 'launcher-2'].map((name) =>
    podObject(name, { virtualMachine: 'vm' }),
  );
  const change = { metadata: { annotations: { 'ovn.kubernetes.io/routes': '[]' } } };

  /** The launchers name the UID that the instance has got. */
  function setUpMachine(pods: readonly NewObject[]) {
    const all = setUpKinds([machineInstance('vm')]);
    const uid = all.fake.get('VirtualMachineInstance', 'shop/vm')?.metadata.uid;
    for (const pod of pods) {
      const [owner] = (pod.metadata?.ownerReferences ?? []) as object[];
      all.fake.create({
        ...pod,
        metadata: { ...pod.metadata, ownerReferences: [{ ...owner, uid }] },
      });
    }
    return all;
  }

  it('has the machine’s other pods worked on', async () => {
    const { asked } = await setUpMachine(launchers).afterPatch('Pod', 'shop/launcher-1', change);
    expect(asked).toEqual(['pods shop/launcher-1', 'pods shop/launcher-2', 'pods shop/vm:vm']);
  });

  it('has none worked on where it only says that it is one: many would never end', async () => {
    const { asked } = await setUpKinds(launchers).afterPatch('Pod', 'shop/launcher-1', change);
    expect(asked).toEqual(['pods shop/launcher-1']);
  });

  it('has the machine’s addresses looked at where it says no longer that it is one', async () => {
    const edit = { metadata: { ownerReferences: [] } };
    const all = setUpMachine(launchers.slice(0, 1));
    const { asked } = await all.afterPatch('Pod', 'shop/launcher-1', edit);
    expect(asked).toContain('pods shop/vm:vm');
  });
});

describe('an IP object', () => {
  it('that is reserved no longer has its pod looked at, which may be gone', async () => {
    const all = setUpKinds([ipOf('gone', '10.1.0.2', { [RESERVED]: 'true' })]);
    const labels = { [RESERVED]: 'false' };
    const { asked } = await all.afterPatch('IP', 'gone.shop', { metadata: { labels } });
    expect(asked).toContain('pods shop/gone');
  });

  it('of which something else has changed is looked at and counted, and not its pod', async () => {
    const all = setUpKinds([frontSubnet(), podWith('a', '10.1.0.2'), ipOf('a', '10.1.0.2')]);
    const labels = { other: 'label' };
    const { asked, woken } = await all.afterPatch('IP', 'a.shop', { metadata: { labels } });
    expect(asked).toEqual(['ips a.shop', 'usage front']);
    expect(woken).toEqual(['IP/a.shop']);
  });

  it('that begins to go is not counted yet: its addresses are in use until it has gone', async () => {
    const all = setUpKinds([frontSubnet(), ipOf('a', '10.1.0.2')]);
    const { asked } = await all.after(() => all.fake.delete('IP', 'a.shop'));
    expect(asked).toEqual(['ips a.shop']);
  });

  it('that comes for a pod that has gone has its end looked at', async () => {
    const all = setUpKinds([frontSubnet()]);
    const { asked } = await all.after(() => all.fake.create(ipOf('gone', '10.1.0.2')));
    expect(asked).toContain('pods shop/gone');
  });

  it('that goes last lets its Subnet go, which is being deleted', async () => {
    const metadata = { name: 'front', finalizers: ['example.com/waits'] };
    const all = setUpKinds([{ ...frontSubnet(), metadata }, ipOf('a', '10.1.0.2')]);
    all.fake.delete('Subnet', 'front');
    const { asked } = await all.after(() => {
      all.fake.patch('IP', 'a.shop', { metadata: { finalizers: [] } });
      all.fake.delete('IP', 'a.shop');
    });
    expect(asked).toContain('subnets front');
  });
});

describe('a Subnet', () => {
  it('that says something else has its Vpc worked on, is counted, and wakes who waits', async () => {
    const all = setUpKinds([frontSubnet({ vpc: 'ovn-cluster' })]);
    const spec = { excludeIps: ['10.1.0.2'], namespaces: ['shop'] };
    const { asked, woken } = await all.afterPatch('Subnet', 'front', { spec });
    expect(asked).toEqual(['subnets front', 'usage front', 'vpcs ovn-cluster']);
    expect(woken).toEqual(['Namespace/shop', 'Subnet/front', 'Subnets of provider ovn']);
  });

  it('of which the status alone has changed, as we write it, wakes nobody', async () => {
    const finalizers = ['kubeovn.io/kube-ovn-controller'];
    const subnet = { ...frontSubnet(), metadata: { name: 'front', finalizers } };
    const all = setUpKinds([subnet]);
    const defaults = all.context.cluster.subnets.get('front')?.defaults ?? {};
    all.fake.patch('Subnet', 'front', defaults);
    const status = { v4usingIPs: 3 };
    const { asked, woken } = await all.afterPatch('Subnet', 'front', { status });
    expect([asked, woken]).toEqual([['usage front'], []]);
  });

  it('that makes another one valid by going has that worked on', async () => {
    const rival = { ...frontSubnet(), metadata: { name: 'rival' } };
    const all = setUpKinds([frontSubnet(), rival]);
    const { asked, woken } = await all.after(() => all.fake.delete('Subnet', 'front'));
    expect(asked).toContain('subnets rival');
    expect(woken).toContain('Subnet/rival');
  });

  it('that connects the nodes has the others of the default Vpc worked on', async () => {
    const join = kubeOvn('Subnet', 'join', { cidrBlock: '100.64.0.0/16' });
    const tenant = kubeOvn('Subnet', 'other', { cidrBlock: '10.2.0.0/24', vpc: 'tenant' });
    const all = setUpKinds([frontSubnet(), tenant, join]);
    const { asked } = await all.afterPatch('Subnet', 'join', { spec: { gateway: '100.64.0.9' } });
    expect(asked).toContain('subnets front');
    expect(asked).not.toContain('subnets other');
  });
});

describe('a Vpc', () => {
  it('whose router is there has its Subnets worked on', async () => {
    const tenant = kubeOvn('Vpc', 'tenant', {});
    const all = setUpKinds([tenant, frontSubnet({ vpc: 'tenant' })]);
    const { asked } = await all.afterPatch('Vpc', 'tenant', { status: { standby: true } });
    expect(asked).toEqual(['subnets front']);
  });

  it('that is for other namespaces wakes the pods of both', async () => {
    const all = setUpKinds([kubeOvn('Vpc', 'tenant', { namespaces: ['one'] })]);
    const spec = { namespaces: ['two'] };
    const { asked, woken } = await all.afterPatch('Vpc', 'tenant', { spec });
    expect(asked).toEqual(['vpcs tenant']);
    expect(woken).toEqual(expect.arrayContaining(['Namespace/one', 'Namespace/two']));
  });
});

describe('an IPPool', () => {
  it('that has other addresses is counted, and wakes who waits for it and for its Subnet', async () => {
    const all = setUpKinds([
      frontSubnet(),
      kubeOvn('IPPool', 'some', { subnet: 'front', ips: ['10.1.0.5'] }),
    ]);
    const { asked, woken } = await all.afterPatch('IPPool', 'some', {
      spec: { ips: ['10.1.0.6'] },
    });
    expect(asked).toEqual(['ipPools some', 'usage front']);
    expect(woken).toEqual(expect.arrayContaining(['IPPool/some', 'Subnet/front']));
  });
});

describe('objects on which there is no work', () => {
  it('a NetworkAttachmentDefinition wakes the pods that wait for it; what is wrong with it is said', async () => {
    const all = setUpKinds([nadOf('net')]);
    const { woken } = await all.afterPatch('NetworkAttachmentDefinition', 'shop/net', {
      spec: { config: 'no JSON' },
    });
    expect(woken).toEqual(['NetworkAttachmentDefinition/shop/net']);
    expect(all.said).toEqual([expect.stringContaining('ValidateNadFailed')]);
  });

  it('a Namespace with other labels wakes its pods', async () => {
    const all = setUpKinds([{ kind: 'Namespace', metadata: { name: 'shop' } }]);
    const labels = { team: 'blue' };
    const { woken } = await all.afterPatch('Namespace', 'shop', { metadata: { labels } });
    expect(woken).toEqual(['Namespace/shop']);
  });

  it('a Node that has an address no more wakes those who wait for one of that Subnet', async () => {
    const address = { type: 'InternalIP', address: '10.1.0.3' };
    const node = {
      kind: 'Node',
      metadata: { name: 'node-1' },
      status: { addresses: [address] },
    };
    const vlan = kubeOvn('Vlan', 'vlan-1', { provider: 'net1', id: 1 });
    const all = setUpKinds([vlan, frontSubnet({ vlan: 'vlan-1', provider: 'ovn' }), node]);
    const { woken } = await all.after(() => all.fake.delete('Node', 'node-1'));
    expect(woken).toEqual(expect.arrayContaining(['10.1.0.3 of Subnet front']));
  });

  it('a Node that is lost has the pods looked at that are being deleted on it', async () => {
    const node = { kind: 'Node', metadata: { name: 'node-1' } };
    const all = setUpKinds([node, podObject('web'), podObject('other')]);
    all.fake.delete('Pod', 'shop/web', { gracePeriodSeconds: 60 });
    const { asked } = await all.after(() => all.fake.delete('Node', 'node-1'));
    expect(asked).toEqual(['pods shop/web']);
  });

  it('a StatefulSet that was scaled has its pods looked at, those that have gone too', async () => {
    const set = { kind: 'StatefulSet', metadata: { name: 'db', namespace: 'shop' } };
    const all = setUpKinds([{ ...set, spec: { replicas: 2 } }, ipOf('db-1', '10.1.0.2')]);
    const { asked } = await all.afterPatch('StatefulSet', 'shop/db', { spec: { replicas: 1 } });
    expect(asked).toEqual(['pods shop/db-1']);
  });

  it('a Vlan has the Subnets on it worked on, and their pods, which are told of it', async () => {
    const vlan = kubeOvn('Vlan', 'vlan-1', { provider: 'net1', id: 1 });
    const subnet = frontSubnet({ vlan: 'vlan-1' });
    const all = setUpKinds([vlan, subnet, podWith('web', '10.1.0.2'), ipOf('web', '10.1.0.2')]);
    const { asked } = await all.afterPatch('Vlan', 'vlan-1', { spec: { id: 2 } });
    expect(asked).toEqual(['pods shop/web', 'subnets front', 'vlans vlan-1']);
  });
});

it('a SecurityGroup that comes has those worked on that list it, and wakes groups with rules about it', async () => {
  const annotations = { 'ovn.kubernetes.io/security_groups': 'web' };
  const all = setUpKinds([podObject('member', { annotations }), podObject('other')]);
  const { asked, woken } = await all.after(() =>
    all.fake.create(kubeOvn('SecurityGroup', 'web', {})),
  );
  expect(asked).toEqual(['pods shop/member', 'securityGroups web']);
  expect(woken).toEqual(['SecurityGroup/web']);
});

describe('what a NIC no longer has', () => {
  const metadata = { name: 'front', finalizers: ['example.com/waits'] };
  const held = {
    nic: 'web.shop',
    pod: 'shop/web',
    subnet: 'front',
    addresses: [{ family: 'IPv4', text: '10.1.0.2' }],
    mac: '02:00:00:00:00:01',
    reserved: false,
  } as const;

  it('is counted, and wakes those who wait for it', async () => {
    const all = setUpKinds([frontSubnet()]);
    const { asked, woken } = await all.after(() => all.signals.freed.emit(held));
    expect(asked).toEqual(['usage front']);
    expect(woken).toEqual([
      '02:00:00:00:00:01 of Subnet front',
      '10.1.0.2 of Subnet front',
      'IP/web.shop',
      'addresses of Subnet front',
    ]);
  });

  it('may be the last of a Subnet that is being deleted', async () => {
    const all = setUpKinds([{ ...frontSubnet(), metadata }]);
    all.fake.delete('Subnet', 'front');
    const { asked } = await all.after(() => all.signals.freed.emit(held));
    expect(asked).toContain('subnets front');
  });

  it('with its IP object has the pods of its owner go on', async () => {
    const all = setUpKinds([frontSubnet()]);
    const { asked } = await all.after(() => {
      all.signals.ipEnded.emit('front');
      all.signals.ownerServed.emit('shop/web');
    });
    expect(asked).toEqual(['pods shop/web', 'usage front']);
  });
});

describe('rows that somebody else has changed', () => {
  const objects = [
    frontSubnet(),
    kubeOvn('SecurityGroup', 'web', {}),
    kubeOvn('SecurityGroup', 'other', {}),
    podWith('web', '10.1.0.2'),
  ];

  it.each<[what: string, DriftChange, asked: readonly string[]]>([
    ['of a Subnet', { kind: 'subnet', name: 'front' }, ['subnets front']],
    ['of a Vpc', { kind: 'vpc', name: 'ovn-cluster' }, ['vpcs ovn-cluster']],
    ['of some Vpc', { kind: 'vpcs' }, ['vpcs ovn-cluster']],
    ['of a SecurityGroup', { kind: 'portGroup', name: 'ovn.sg.web' }, ['securityGroups web']],
    ['of a pod that runs', { kind: 'pod', key: 'shop/web' }, ['pods shop/web']],
    ['of a pod that has gone and has no port', { kind: 'pod', key: 'shop/gone' }, []],
  ])('%s have that worked on, and nothing else', async (_, change, asked) => {
    expect(await setUpKinds(objects).afterDrift(change)).toEqual(asked);
  });
});

it('who begins to lead has everything worked on that there is, and what those that have gone had', async () => {
  const all = setUpKinds([frontSubnet(), podObject('web'), ipOf('gone', '10.1.0.2')]);
  expect(await all.begin()).toEqual([
    'ips gone.shop',
    'pods shop/gone',
    'pods shop/web',
    'subnets front',
    'usage front',
    'vpcs ovn-cluster',
  ]);
});
