/** The addresses of a KubeVirt machine, which has another pod each time it runs. */
import { expect, it } from 'vitest';
import { macvlanNetwork, macvlanSubnet } from '../../../../lab/documented.ts';
import { apply } from '../../../../lab/kubectl.ts';
import { FakeApiServer } from '../../../../lab/kubernetes/api.ts';
import { LeadingController } from '../../leading-controller.ts';

const ALLOCATED = 'macvlan.default.kubernetes.io/allocated';
const ADDRESS = 'macvlan.default.kubernetes.io/ip_address';
const IP = 'vm.default.macvlan.default';
const INSTANCE = { name: 'vm', namespace: 'default' };
const MIGRATION = { 'kubevirt.io/migrationJobName': 'migration-1' };

async function setUp() {
  const server = await FakeApiServer.start();
  for (const object of [macvlanNetwork, macvlanSubnet]) apply(server, object);
  const { uid } = server.create({ kind: 'VirtualMachineInstance', metadata: INSTANCE }).metadata;
  const controller = await LeadingController.begin(server);
  /** A pod of the machine on a node. @returns its address, when it has one */
  const podOn = async (name: string, nodeName: string, annotations: object = {}) => {
    const owner = {
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachineInstance',
      name: 'vm',
      uid,
    };
    server.create({
      kind: 'Pod',
      metadata: {
        name,
        namespace: 'default',
        ownerReferences: [owner],
        annotations: { 'k8s.v1.cni.cncf.io/networks': 'default/macvlan', ...annotations },
      },
      spec: { nodeName, containers: [] },
    });
    const { metadata } = await server.until('Pod', `default/${name}`, (pod) => {
      return pod.metadata.annotations?.[ALLOCATED] === 'true';
    });
    return metadata.annotations?.[ADDRESS];
  };
  const end = (name: string) => server.delete('Pod', `default/${name}`, { gracePeriodSeconds: 0 });
  /** Resolves when all that was asked for before has been done: another pod comes and goes. */
  const settled = async () => {
    const annotations = { 'k8s.v1.cni.cncf.io/networks': 'default/macvlan' };
    const metadata = { name: 'last', namespace: 'default', annotations };
    server.create({ kind: 'Pod', metadata, spec: { containers: [] } });
    await server.until(
      'Pod',
      'default/last',
      (pod) => pod.metadata.annotations?.[ALLOCATED] === 'true',
    );
    end('last');
    await server.until('Subnet', 'macvlan', ({ status }) => {
      return status?.v4usingIPs === server.list('IP').length && ips().every((name) => name === IP);
    });
  };
  const ips = () => server.list('IP').map(({ metadata }) => metadata.name);
  /** Resolves when there is no IP object. */
  const gone = () =>
    new Promise<void>((resolve) => {
      const look = () => ips().length === 0 && resolve();
      server.onChange('IP', look);
      look();
    });
  const dispose = async () => {
    await controller[Symbol.asyncDispose]();
    await server.close();
  };
  return { server, podOn, end, ips, gone, settled, [Symbol.asyncDispose]: dispose };
}

it('are kept while it is stopped', async () => {
  await using all = await setUp();
  all.server.create({ kind: 'VirtualMachine', metadata: { name: 'vm', namespace: 'default' } });
  const address = await all.podOn('virt-launcher-vm-1', 'node-1');
  all.end('virt-launcher-vm-1');
  await all.settled();
  expect(all.ips()).toEqual([IP]);
  expect(await all.podOn('virt-launcher-vm-2', 'node-2')).toBe(address);
});

it('are released when it ends with its pod', async () => {
  await using all = await setUp();
  await all.podOn('virt-launcher-vm-1', 'node-1');
  all.server.delete('VirtualMachineInstance', 'default/vm');
  all.end('virt-launcher-vm-1');
  await all.gone();
  await all.server.until('Subnet', 'macvlan', ({ status }) => status?.v4usingIPrange === '');
});

it('are released also where another pod names its instance, and says that it was given them', async () => {
  await using all = await setUp();
  const address = await all.podOn('virt-launcher-vm-1', 'node-1');
  const { server } = all;
  const { uid, ownerReferences } = server.get('Pod', 'default/virt-launcher-vm-1').metadata;
  server.patch('VirtualMachineInstance', 'default/vm', {
    status: { activePods: { [String(uid)]: 'node-1' } },
  });
  const annotations = {
    'k8s.v1.cni.cncf.io/networks': 'default/macvlan',
    [ALLOCATED]: 'true',
    [ADDRESS]: address,
  };
  for (const name of ['thief', 'vm']) {
    server.create({
      kind: 'Pod',
      metadata: { name, namespace: 'default', ownerReferences, annotations },
      spec: { nodeName: 'node-1', containers: [] },
      status: { phase: 'Running' },
    });
  }
  server.delete('VirtualMachineInstance', 'default/vm');
  all.end('virt-launcher-vm-1');
  await all.gone();
  await server.until('Subnet', 'macvlan', ({ status }) => status?.v4usingIPrange === '');
});

it('are released when the machine is deleted while it is stopped', async () => {
  await using all = await setUp();
  all.server.create({ kind: 'VirtualMachine', metadata: INSTANCE });
  await all.podOn('virt-launcher-vm-1', 'node-1');
  all.server.delete('VirtualMachineInstance', 'default/vm');
  all.end('virt-launcher-vm-1');
  await all.settled();
  expect(all.ips()).toEqual([IP]);
  all.server.delete('VirtualMachine', 'default/vm');
  await all.gone();
  await all.server.until('Subnet', 'macvlan', ({ status }) => status?.v4usingIPrange === '');
});

it('are of both pods while it migrates, and nothing is written again and again', async () => {
  await using all = await setUp();
  const address = await all.podOn('virt-launcher-vm-1', 'node-1');
  expect(await all.podOn('virt-launcher-vm-2', 'node-2', MIGRATION)).toBe(address);
  const recorded = () => all.server.get('IP', IP).spec?.nodeName;
  expect(recorded()).toBe('node-1');
  all.server.requests.clear();
  for (let round = 0; round < 3; round += 1) {
    all.server.patch('Pod', 'default/virt-launcher-vm-2', { status: { message: `${round}` } });
    await all.settled();
  }
  const path = `/apis/kubeovn.io/v1/ips/${IP}`;
  expect(all.server.requests.count({ verb: 'patch', path })).toBe(0);
  all.end('virt-launcher-vm-1');
  await all.server.until('IP', IP, ({ spec }) => spec?.nodeName === 'node-2');
  expect(all.server.get('IP', IP).spec?.v4IpAddress).toBe(address);
});
