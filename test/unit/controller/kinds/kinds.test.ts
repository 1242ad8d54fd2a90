/** Which change has what worked on, and what it wakes: all kinds together, with queues that only count. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { Queues, type Reconciler } from '../../../../src/common/reconcile/queues.ts';
import { createSignals } from '../../../../src/controller/kinds/signals.ts';
import { createKinds } from '../../../../src/controller/kinds.ts';
import type { ClusterSettings } from '../../../../src/controller/model/settings.ts';
import type { DriftChange } from '../../../../src/controller/ovn/drift-tables.ts';
import type { NewObject } from '../../../lab/kubernetes/object.ts';
import { frontSubnet, ipOf, nadOf, podWith } from '../ipam/addresses-support.ts';
import { kubeOvn, machineInstance, podObject } from '../support.ts';
import { setUp } from './set-up.ts';

const RESERVED = 'ovn.kubernetes.io/ip_reserved';

/** All kinds on these objects, which nobody has been told of. */
function setUpKinds(objects: readonly NewObject[], changes: Partial<ClusterSettings> = {}) {
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

describe('a provider network', () => {
  const DOMAIN = 'physnet.provider-network.kubernetes.io';
  const network = (name: string) => kubeOvn('ProviderNetwork', name, { defaultInterface: 'eth1' });
  const vlan = (name: string, id: number, provider = 'physnet') =>
    kubeOvn('Vlan', name, { id, provider });
  const node = { kind: 'Node', metadata: { name: 'a' } };
  const agent = (metadata: object = {}) => ({
    kind: 'Pod',
    metadata: {
      name: 'agent',
      namespace: 'kube-system',
      labels: { app: 'kube-ovn-cni' },
      ...metadata,
    },
    spec: { nodeName: 'a', hostNetwork: true },
  });
  const ofNetworks = (asked: readonly string[]) =>
    asked.filter((each) => each.startsWith('providerNetworks '));

  it('has its Subnets worked on when it comes, and when it lists another Vlan', async () => {
    const all = setUpKinds([vlan('red', 7), frontSubnet({ vlan: 'red' })]);
    const came = await all.after(() => all.fake.create(network('physnet')));
    expect(came.asked).toEqual(['providerNetworks physnet', 'subnets front']);
    const listed = { status: { vlans: ['red'] } };
    const { asked } = await all.afterPatch('ProviderNetwork', 'physnet', listed);
    expect(asked).toEqual(['providerNetworks physnet', 'subnets front']);
    const other = await all.afterPatch('ProviderNetwork', 'physnet', { status: { ready: true } });
    expect(other.asked).toEqual(['providerNetworks physnet']);
  });

  it('is worked on when one of its Vlans comes, moves or goes, and no other is', async () => {
    const all = setUpKinds([network('physnet'), network('other'), network('third')]);
    const came = await all.after(() => all.fake.create(vlan('red', 7)));
    expect(ofNetworks(came.asked)).toEqual(['providerNetworks physnet']);
    const moved = await all.afterPatch('Vlan', 'red', { spec: { provider: 'other' } });
    expect(ofNetworks(moved.asked)).toEqual(['providerNetworks other', 'providerNetworks physnet']);
    const gone = await all.after(() => all.fake.delete('Vlan', 'red'));
    expect(ofNetworks(gone.asked)).toEqual(['providerNetworks other']);
    const wrote = await all.after(() => all.fake.create(vlan('blue', 8, 'third')));
    expect(ofNetworks(wrote.asked)).toEqual(['providerNetworks third']);
    const noted = await all.afterPatch('Vlan', 'blue', { status: { subnets: ['front'] } });
    expect(noted.asked).toEqual(['vlans blue']);
  });

  it('is worked on when a node gets or loses a label, and not for its heartbeat', async () => {
    const all = setUpKinds([network('physnet'), node]);
    const labels = { [`${DOMAIN}/ready`]: 'true' };
    const { asked } = await all.afterPatch('Node', 'a', { metadata: { labels } });
    expect(asked).toEqual(['providerNetworks physnet']);
    const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: 'now' }];
    const beat = await all.afterPatch('Node', 'a', { status: { conditions } });
    expect(beat.asked).toEqual([]);
  });

  it('is worked on when a daemon says what is wrong, and for no other pod', async () => {
    const all = setUpKinds([network('physnet'), node, agent()]);
    const annotations = { [`${DOMAIN}/err_mesg`]: 'nic eth1 does not exist' };
    const said = await all.afterPatch('Pod', 'kube-system/agent', { metadata: { annotations } });
    expect(ofNetworks(said.asked)).toEqual(['providerNetworks physnet']);
    const other = { 'example.kubernetes.io/other': 'x' };
    const same = await all.afterPatch('Pod', 'kube-system/agent', {
      metadata: { annotations: other },
    });
    expect(ofNetworks(same.asked)).toEqual([]);
    const strange = agent({ namespace: 'shop', annotations });
    expect(ofNetworks((await all.after(() => all.fake.create(strange))).asked)).toEqual([]);
  });

  it('has a Vlan looked at again when the one in conflict with it goes', async () => {
    const all = setUpKinds([vlan('red', 7), vlan('first', 7), vlan('blue', 8)]);
    const { asked } = await all.after(() => all.fake.delete('Vlan', 'first'));
    expect(asked).toEqual(['vlans first', 'vlans red']);
  });

  it('has a Subnet with a leg of the router worked on when its record changes, or a node’s address', async () => {
    const leg = 'u2o-interconnection.ovn-cluster.front';
    const record = kubeOvn(
      'IP',
      leg,
      { podName: leg, namespace: 'default', subnet: 'front', v4IpAddress: '10.1.0.2' },
      { finalizers: ['kubeovn.io/kube-ovn-controller'] },
    );
    const joined = frontSubnet({ vlan: 'red', u2oInterconnection: true });
    const all = setUpKinds([network('physnet'), vlan('red', 7), joined, node]);
    const made = await all.after(() => all.fake.create(record));
    expect(made.asked).toContain('subnets front');
    const edited = await all.afterPatch('IP', leg, { metadata: { labels: { a: 'b' } } });
    expect(edited.asked).toContain('subnets front');
    const addresses = [{ type: 'InternalIP', address: '192.0.2.9' }];
    const moved = await all.afterPatch('Node', 'a', { status: { addresses } });
    expect(moved.asked).toEqual(['subnets front']);
    const leased = { u2oInterconnectionIP: '10.1.0.2' };
    const said = await all.afterPatch('Subnet', 'front', { status: leased });
    expect(said.asked).toContain('vpcs ovn-cluster');
  });

  it('has a Vlan say which Subnets are in it', async () => {
    const all = setUpKinds([vlan('red', 7), vlan('blue', 8), frontSubnet({ vlan: 'red' })]);
    const { asked } = await all.afterPatch('Subnet', 'front', { spec: { vlan: 'blue' } });
    expect(asked).toEqual(expect.arrayContaining(['vlans blue', 'vlans red']));
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
