/**
 * Pods whose authors write what is not true: they get nothing that is another's, from the built
 * controller, as objects and rows of OVN show it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NewObject } from '../lab/kubernetes/api.ts';
import { endPod, identityOf, type PodIdentity } from '../lab/workloads.ts';
import { ControllerFixture } from './controller-fixture.ts';
import { macvlanNetwork, NETWORKS, ovnNetwork, podOf, subnet } from './controller-manifests.ts';
import { eventAbout, gone, messagesAbout } from './controller-observe.ts';

const OVN = 'net.default.ovn';
const LAN = 'lan.default';
const REFUSED = 'AcquireAddressFailed';
const MIGRATING = { 'kubevirt.io/migrationJobName': 'job' };

type Texts = Readonly<Record<string, string>>;

let fixture: ControllerFixture;
beforeAll(async () => {
  fixture = await ControllerFixture.start();
  fixture.apply(
    ovnNetwork('net'),
    subnet('net', { cidrBlock: '10.1.0.0/24', provider: OVN, excludeIps: ['10.1.0.200'] }),
    subnet('second', { cidrBlock: '10.2.0.0/24' }),
    macvlanNetwork('lan'),
    subnet('lan', { cidrBlock: '10.3.0.0/24', provider: LAN, excludeIps: ['10.3.0.200'] }),
  );
  for (const name of ['other', 'prod']) {
    fixture.api.create({ kind: 'Namespace', metadata: { name } });
  }
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Keys of a NIC's annotations. */
function keys(provider: string, values: Texts): Texts {
  const entries = Object.entries(values);
  return Object.fromEntries(
    entries.map(([key, value]) => [`${provider}.kubernetes.io/${key}`, value]),
  );
}

/** What a pod says that was given this. */
function told(provider: string, address: string, more: Texts = {}): Texts {
  return keys(provider, { allocated: 'true', ip_address: address, cidr: '10.0.0.0/8', ...more });
}

function annotationsOf(name: string): Texts {
  return fixture.api.get('Pod', `default/${name}`).metadata.annotations ?? {};
}

/** Names of the IP objects that have an address. */
function ipsWith(address: string): readonly string[] {
  const ips = fixture.api.list('IP').filter(({ spec }) => spec?.v4IpAddress === address);
  return ips.map(({ metadata }) => metadata.name);
}

/** Names of the logical switch ports that have an address or a MAC. */
async function portsWith(text: string): Promise<readonly string[]> {
  const listed = await fixture.node.nbctl(
    ...['--format=csv', '--no-headings', '--columns=name,addresses', 'list', 'Logical_Switch_Port'],
  );
  const lines = listed.split('\n').filter((line) => line.includes(text));
  return lines.map((line) => line.split(',')[0]?.replaceAll('"', '') ?? '');
}

function runs(name: string): void {
  fixture.api.patch('Pod', `default/${name}`, { status: { phase: 'Running' } });
}

/** A pod that is allocated and whose containers run, as far as the API shows it. */
async function victim(name: string, networks = 'net', provider = OVN) {
  fixture.schedule(podOf(name, networks));
  const nic = await fixture.allocated(`default/${name}`, provider);
  runs(name);
  return { address: nic.ip_address ?? '', mac: nic.mac_address ?? '' };
}

function owned(manifest: NewObject, name: string, uid: unknown): NewObject {
  const owner = { apiVersion: 'kubevirt.io/v1', kind: 'VirtualMachineInstance', name, uid };
  const ownerReferences = [{ ...owner, controller: true }];
  return { ...manifest, metadata: { ...manifest.metadata, ownerReferences } };
}

/** A machine's running instance. @returns its UID */
function instance(name: string, status: object = {}): unknown {
  const metadata = { name, namespace: 'default' };
  return fixture.api.create({ kind: 'VirtualMachineInstance', metadata, status }).metadata.uid;
}

function end(name: string): void {
  endPod(fixture.api, identityOf(fixture.api.get('Pod', `default/${name}`)));
}

describe('a pod that says it is the target of a migration', () => {
  test.each(['default', 'other'])(
    'of namespace %s gets no address and no MAC of another pod',
    async (namespace) => {
      const name = `a1-${namespace}`;
      const { address, mac } = await victim(name);
      const requests = keys(OVN, { ip_address: address, mac_address: mac });
      const thief = podOf(`thief-${name}`, 'default/net', { ...MIGRATING, ...requests });
      fixture.schedule({ ...thief, metadata: { ...thief.metadata, namespace } });
      await eventAbout(fixture, {
        kind: 'Pod',
        name: `thief-${name}`,
        reason: REFUSED,
        text: 'AddressConflict',
      });
      expect(ipsWith(address)).toEqual([`${name}.default.${OVN}`]);
      expect(await portsWith(address)).toEqual([`${name}.default.${OVN}`]);
      expect(await portsWith(mac)).toEqual([`${name}.default.${OVN}`]);
    },
  );
});

test('a node’s address is no pod’s that asks for it, nor one’s that runs and says that it has it', async () => {
  const address = '10.3.0.177';
  const addresses = [{ type: 'InternalIP', address }];
  fixture.api.create({ kind: 'Node', metadata: { name: 'node-177' }, status: { addresses } });
  fixture.schedule(podOf('a-node', 'lan', keys(LAN, { ip_address: address })));
  const refusal = { kind: 'Pod', reason: REFUSED };
  await eventAbout(fixture, {
    ...refusal,
    name: 'a-node',
    text: `${address} of subnet lan belongs`,
  });
  const says = told(LAN, address, { logical_switch: 'lan' });
  fixture.schedule({ ...podOf('a-node-2', 'lan', says), status: { phase: 'Running' } });
  await eventAbout(fixture, {
    ...refusal,
    name: 'a-node-2',
    text: 'the pod runs with what is not',
  });
  expect(ipsWith(address)).toEqual([]);
  end('a-node-2');
  // It waits for that.
  fixture.api.delete('Node', 'node-177');
  expect((await fixture.allocated('default/a-node', LAN)).ip_address).toBe(address);
});

describe('a pod that says it is a virtual machine’s', () => {
  test('gets nothing without the machine’s instance, and does not hold up others', async () => {
    const { address } = await victim('a5');
    fixture.schedule(owned(podOf('a5-thief', 'net'), 'a5', 'made-up'));
    const what = { kind: 'Pod', name: 'a5-thief', reason: REFUSED };
    const text = await eventAbout(fixture, { ...what, text: 'VirtualMachineInstance default/a5' });
    expect(text).toContain('does not exist');
    await victim('a5-next');
    expect(ipsWith(address)).toEqual([`a5.default.${OVN}`]);
    expect(annotationsOf('a5-thief')).not.toHaveProperty([`${OVN}.kubernetes.io/allocated`]);
  });

  test('gets nothing of a pod that has the name of the machine', async () => {
    const { address } = await victim('twin');
    const uid = instance('twin');
    fixture.schedule(owned(podOf('virt-launcher-twin-1', 'net'), 'twin', uid));
    const what = { kind: 'Pod', name: 'virt-launcher-twin-1', reason: REFUSED };
    const text = await eventAbout(fixture, { ...what, text: 'cannot have a NIC of this name' });
    expect(text).toContain(`virtual machine default/twin cannot`);
    expect(text).toContain(`NIC twin.default.${OVN} of pod default/twin`);
    expect(ipsWith(address)).toEqual([`twin.default.${OVN}`]);
    end('twin');
    const nic = await fixture.allocated('default/virt-launcher-twin-1', OVN);
    expect(nic.virtualmachine).toBe('twin');
    expect(fixture.api.get('IP', `twin.default.${OVN}`).spec?.podType).toBe('VirtualMachine');
  });

  test('gets nothing that is not listed among the pods of the instance', async () => {
    const uid = instance('listed', { activePods: { 'uid-of-another': 'node' } });
    const pod = fixture.schedule(owned(podOf('virt-launcher-listed-1', 'net'), 'listed', uid));
    const what = { kind: 'Pod', name: pod.name, reason: REFUSED, text: 'status.activePods' };
    await eventAbout(fixture, what);
    const activePods = { [pod.uid]: 'node' };
    fixture.api.patch('VirtualMachineInstance', 'default/listed', { status: { activePods } });
    await fixture.allocated(`default/${pod.name}`, OVN);
  });

  test('shares what the machine has with its other pods, and a pod of another instance does not', async () => {
    const uid = instance('vm');
    fixture.schedule(owned(podOf('virt-launcher-vm-1', 'net,lan'), 'vm', uid));
    const first = await fixture.allocated('default/virt-launcher-vm-1', OVN);
    fixture.schedule(owned(podOf('virt-launcher-vm-2', 'net,lan', MIGRATING), 'vm', uid));
    const second = await fixture.allocated('default/virt-launcher-vm-2', OVN);
    expect([second.ip_address, second.mac_address]).toEqual([first.ip_address, first.mac_address]);
    fixture.schedule(owned(podOf('forged-vm-3', 'net', MIGRATING), 'vm', 'of-an-earlier-one'));
    const what = { kind: 'Pod', name: 'forged-vm-3', reason: REFUSED };
    await eventAbout(fixture, { ...what, text: 'another one than the pod names' });
    expect(await portsWith(String(first.ip_address))).toEqual([`vm.default.${OVN}`]);
  });

  test('leaves the machine its addresses while that is stopped, until the machine is deleted', async () => {
    const metadata = { name: 'stopped', namespace: 'default' };
    fixture.api.create({ kind: 'VirtualMachine', metadata });
    const uid = instance('stopped');
    fixture.schedule(owned(podOf('virt-launcher-stopped-1', 'net,lan'), 'stopped', uid));
    const { ip_address: address = '' } = await fixture.allocated(
      'default/virt-launcher-stopped-1',
      OVN,
    );
    end('virt-launcher-stopped-1');
    fixture.api.delete('VirtualMachineInstance', 'default/stopped');
    // Another pod comes, and what was to be done before is done.
    await victim('while-stopped');
    expect(ipsWith(address)).toEqual([`stopped.default.${OVN}`]);
    fixture.api.delete('VirtualMachine', 'default/stopped');
    await gone(fixture, 'IP', `stopped.default.${OVN}`);
    await gone(fixture, 'IP', `stopped.default.${LAN}`);
    expect(await portsWith(address)).toEqual([]);
  });
});

describe('annotations that were forged while no controller was there', () => {
  const FORGED = [
    ['gateway', '1'],
    ['outside', undefined],
    ['excluded', '200'],
    ['taken', '2'],
  ] as const;
  const networks = [
    ['net', OVN, '10.1.0'],
    ['lan', LAN, '10.3.0'],
  ] as const;
  const cases = networks.flatMap(([network, provider, prefix]) =>
    FORGED.map(([what, host]) => {
      const address = host === undefined ? '192.0.2.9' : `${prefix}.${host}`;
      return { name: `forged-${network}-${what}`, network, provider, address };
    }),
  );

  test('are taken back from pods that do not run, told of those that run, and never adopted', async () => {
    for (const [network, provider, prefix] of networks) {
      const request = keys(provider, { ip_address: `${prefix}.2` });
      if (ipsWith(`${prefix}.2`).length > 0) continue;
      fixture.schedule(podOf(`has-${network}`, network, request));
      await fixture.allocated(`default/has-${network}`, provider);
      runs(`has-${network}`);
    }
    const before = new Map(cases.map(({ address }) => [address, ipsWith(address)]));
    await fixture.controller.stop('SIGKILL');
    for (const { name, network, provider, address } of cases) {
      for (const state of ['waits', 'runs']) {
        fixture.schedule(podOf(`${name}-${state}`, network, told(provider, address)));
      }
      runs(`${name}-runs`);
    }
    await fixture.restartController('SIGKILL');
    for (const { name, provider, address } of cases) {
      for (const state of ['waits', 'runs']) {
        const what = {
          kind: 'Pod',
          name: `${name}-${state}`,
          reason: REFUSED,
          text: address,
        };
        expect(await eventAbout(fixture, what)).toContain('no IP object says so');
      }
      // One whose request can be met was told it anew, and it is another address.
      await fixture.becomes('Pod', `default/${name}-waits`, ({ metadata }) => {
        const { annotations = {} } = metadata;
        const isPublished = annotations[`${provider}.kubernetes.io/allocated`] === 'true';
        return !isPublished || annotations[`${provider}.kubernetes.io/ip_address`] !== address;
      });
      expect(ipsWith(address)).toEqual(before.get(address));
    }
  });
});

describe('a pod whose annotations are edited while it runs', () => {
  const edits: readonly (readonly [string, Texts])[] = [
    ['its address', { ip_address: '10.1.0.77' }],
    ['its MAC', { mac_address: '02:00:00:00:00:77' }],
    ['an address of each family', { ip_address: '10.1.0.78,fd00::78' }],
    ['its Subnet and Vpc', { logical_switch: 'second', logical_router: 'other' }],
    ['a Subnet that is none of OVN’s', { logical_switch: 'lan' }],
    ['that it is an underlay', { provider_network: 'physical', vlan_id: '7' }],
    ['that it is a machine', { virtualmachine: 'vm' }],
  ];

  test.each(edits)('keeps what it has, and is told so: %s', async (what, edit) => {
    const name = `edited-${edits.findIndex(([one]) => one === what)}`;
    const { address, mac } = await victim(name);
    const before = annotationsOf(name);
    fixture.api.patch('Pod', `default/${name}`, { metadata: { annotations: keys(OVN, edit) } });
    await isAgain(name, before);
    expect(ipsWith(address)).toEqual([`${name}.default.${OVN}`]);
    expect(await portsWith(mac)).toEqual([`${name}.default.${OVN}`]);
  });

  test('also while no controller is there', async () => {
    const { address, mac } = await victim('edited-alone');
    const before = annotationsOf('edited-alone');
    await fixture.controller.stop('SIGKILL');
    const edit = keys(OVN, { ip_address: '10.1.0.79', mac_address: '02:00:00:00:00:79' });
    fixture.api.patch('Pod', 'default/edited-alone', { metadata: { annotations: edit } });
    await fixture.restartController('SIGKILL');
    await isAgain('edited-alone', before);
    expect(ipsWith(address)).toEqual([`edited-alone.default.${OVN}`]);
    expect(await portsWith(`${mac} ${address}`)).toEqual([`edited-alone.default.${OVN}`]);
  });

  test('keeps it also where it says that it was given nothing, and asks for something else', async () => {
    const { address } = await victim('forgets', 'lan', LAN);
    const edit = {
      ...keys(LAN, { ip_address: '10.3.0.80' }),
      [`${LAN}.kubernetes.io/allocated`]: null,
    };
    fixture.api.patch('Pod', 'default/forgets', { metadata: { annotations: edit } });
    const again = await fixture.allocated('default/forgets', LAN);
    expect(again.ip_address).toBe(address);
    expect(ipsWith('10.3.0.80')).toEqual([]);
  });

  test('keeps it also where it says that it has no such network any more, and never had', async () => {
    const { address } = await victim('unplugs', 'lan', LAN);
    const own = Object.keys(annotationsOf('unplugs')).filter((key) =>
      key.includes('kubernetes.io'),
    );
    const nothing = Object.fromEntries([NETWORKS, ...own].map((key) => [key, null]));
    fixture.api.patch('Pod', 'default/unplugs', { metadata: { annotations: nothing } });
    // Somebody else asks for it, and is told whose it is.
    const asking = podOf('wants', 'lan', keys(LAN, { ip_address: address }));
    fixture.schedule(asking);
    await eventAbout(fixture, { kind: 'Pod', name: 'wants', reason: 'AcquireAddressFailed' });
    expect(ipsWith(address)).toEqual([`unplugs.default.${LAN}`]);
    end('wants');
    end('unplugs');
    await fixture.becomes('Subnet', 'lan', () => ipsWith(address).length === 0);
  });

  async function isAgain(name: string, before: Texts): Promise<void> {
    await fixture.becomes('Pod', `default/${name}`, ({ metadata }) => {
      const now = metadata.annotations ?? {};
      return Object.keys({ ...before, ...now }).every((key) => now[key] === before[key]);
    });
  }
});

describe('addresses that a pod asks for after it was told others', () => {
  const asking = (ip: string): Texts => ({
    'k8s.v1.cni.cncf.io/networks': JSON.stringify([{ name: 'lan', ips: [ip] }]),
  });

  test('it gets as long as it is on no node', async () => {
    fixture.api.create(inDefault(podOf('unbound', 'lan')));
    await fixture.allocated('default/unbound', LAN);
    fixture.api.patch('Pod', 'default/unbound', { metadata: { annotations: asking('10.3.0.90') } });
    await fixture.becomes('Pod', 'default/unbound', ({ metadata: now }) => {
      const annotations = now.annotations ?? {};
      const isPublished = annotations[`${LAN}.kubernetes.io/allocated`] === 'true';
      return isPublished && annotations[`${LAN}.kubernetes.io/ip_address`] === '10.3.0.90';
    });
    expect(ipsWith('10.3.0.90')).toEqual([`unbound.default.${LAN}`]);
  });

  test('an event says why it does not get them on a node, and until when', async () => {
    const { address } = await victim('bound', 'lan', LAN);
    fixture.api.patch('Pod', 'default/bound', { metadata: { annotations: asking('10.3.0.91') } });
    const what = { kind: 'Pod', name: 'bound', reason: 'PodNetworkUpdateFailed' };
    const text = await eventAbout(fixture, { ...what, text: '10.3.0.91' });
    expect(text).toContain(`keeps ${address} until the pod ends`);
    expect(ipsWith('10.3.0.91')).toEqual([]);
  });

  function inDefault(manifest: NewObject): NewObject {
    return { ...manifest, metadata: { ...manifest.metadata, namespace: 'default' } };
  }
});

describe('with --enforce-subnet-namespaces', () => {
  const flags = ['--non-primary-cni-mode=true', '--enforce-subnet-namespaces'];

  test('a Subnet and a Vpc are for pods of their namespaces; without it for all', async () => {
    fixture.apply(
      { kind: 'Vpc', metadata: { name: 'tenant' }, spec: { namespaces: ['prod'] } },
      subnet('closed', { cidrBlock: '10.8.0.0/24', vpc: 'tenant', namespaces: ['prod'] }),
      subnet('of-tenant', { cidrBlock: '10.9.0.0/24', vpc: 'tenant' }),
    );
    const on = (name: string, where: string, namespace = 'default'): PodIdentity => {
      const pod = podOf(name, 'default/net', keys(OVN, { logical_switch: where }));
      return fixture.schedule({ ...pod, metadata: { ...pod.metadata, namespace } });
    };
    on('before', 'closed');
    await fixture.allocated('default/before', OVN);
    await fixture.restartController('SIGTERM', { flags });
    for (const where of ['closed', 'of-tenant']) {
      on(`on-${where}`, where);
      const what = { kind: 'Pod', name: `on-${where}`, reason: 'PodNetworkUpdateFailed' };
      await eventAbout(fixture, { ...what, text: '--enforce-subnet-namespaces' });
      on(`of-prod-${where}`, where, 'prod');
      await fixture.allocated(`prod/of-prod-${where}`, OVN);
    }
    // Who has addresses keeps them.
    expect(messagesAbout(fixture, { kind: 'Pod', name: 'before', reason: REFUSED })).toEqual([]);
    await fixture.restartController('SIGTERM');
    await fixture.allocated('default/on-closed', OVN);
  });
});
