/** u2oInterconnection in the default Vpc, where policies name sets of addresses and groups of ports: with packets. */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OVS_DIRECTORY } from '../lab/ovn-node.ts';
import type { Sandbox } from '../lab/runtime.ts';
import type { Machine } from '../lab/wire.ts';
import { ovnNetwork, subnet } from './controller-manifests.ts';
import { northboundRows } from './northbound-rows.ts';
import { pings } from './observe.ts';
import { NETWORK, ProviderFixture } from './provider-controller-fixture.ts';

/** The node's own, which is on no wire of the lab: the machine that is the gateway answers for it. */
const NODE = '192.0.2.1';
const WORLD = '203.0.113.1';
const LEG = '10.94.0.2';

let fixture: ProviderFixture;
let gateway: Machine;
let under: Sandbox;
let over: Sandbox;
beforeAll(async () => {
  fixture = await ProviderFixture.start();
  gateway = await fixture.wire.machine({ name: 'gw11', vlan: 11, addresses: ['10.94.0.1/24'] });
  await gateway.run('ip', 'link', 'set', 'lo', 'up');
  for (const address of [NODE, WORLD]) {
    await gateway.run('ip', 'address', 'add', `${address}/32`, 'dev', 'lo');
  }
  fixture.apply(
    {
      kind: 'ProviderNetwork',
      metadata: { name: NETWORK },
      spec: { defaultInterface: 'eth1' },
    },
    { kind: 'Vlan', metadata: { name: 'blue' }, spec: { id: 11, provider: NETWORK } },
    ...['wired', 'over'].map(ovnNetwork),
    subnet('wired', {
      cidrBlock: '10.94.0.0/24',
      provider: 'wired.default.ovn',
      vlan: 'blue',
      u2oInterconnection: true,
      u2oInterconnectionIP: LEG,
    }),
    subnet('over', { cidrBlock: '10.96.0.0/24', provider: 'over.default.ovn' }),
  );
  await Promise.all(['wired', 'over'].map((name) => fixture.subnetReady(name)));
  under = await fixture.run('under', 'wired', LEG);
  over = await fixture.run('over', 'over', '10.96.0.1');
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Policies of the router with a priority, without what they match. */
async function policies(priority: number): Promise<string[]> {
  const lines = (await fixture.node.nbctl('lr-policy-list', 'ovn-cluster')).split('\n');
  return lines.map((line) => line.trim()).filter((line) => line.startsWith(`${priority} `));
}

async function expectReachable(): Promise<void> {
  expect(await pings(under, '10.96.0.2')).toBe(true);
  expect(await pings(over, '10.94.0.3')).toBe(true);
  expect(await pings(under, '10.94.0.1')).toBe(true);
  expect(await pings(under, WORLD)).toBe(true);
  expect(await pings(under, NODE)).toBe(true);
}

test('pods reach overlay pods, the gateway on the wire, the world behind it and nodes', async () => {
  expect(await policies(29_400)).toHaveLength(1);
  await expectReachable();
});

test('with overlayOnlyRouting they do, too, and by other policies', async () => {
  const u2oFeatures = { overlayOnlyRouting: true };
  fixture.api.patch('Subnet', 'wired', { spec: { u2oFeatures } });
  const set = 'ovn.cluster.u2o_overlay_cidrs.ip4';
  await fixture.rowBecomes('Address_Set', set, 'addresses=10.96.0.0/24');
  expect(await policies(29_000)).toEqual([]);
  expect(await policies(30_050)).toHaveLength(1);
  await fixture.node.nbctl('--wait=hv', 'sync');
  await expectReachable();
});

test('a node that comes, and one whose address changes, is in the set of nodes’ addresses', async () => {
  const nodes = ['Address_Set', 'wired.u2o_exclude_ip.ip4'] as const;
  const addresses = [{ type: 'InternalIP', address: '192.0.2.2' }];
  fixture.apply({ kind: 'Node', metadata: { name: 'late' }, status: { addresses } });
  await fixture.rowBecomes(...nodes, `addresses=${NODE},192.0.2.2`);
  fixture.api.delete('Node', 'late');
  await fixture.rowBecomes(...nodes, `addresses=${NODE}`);
});

test('without load balancers what is for Services goes by the pod’s node', async () => {
  fixture.apply({
    kind: 'IP',
    metadata: { name: 'node-node1', finalizers: ['kubeovn.io/kube-ovn-controller'] },
    spec: { podName: 'node-node1', namespace: '', subnet: 'over', v4IpAddress: '10.96.0.200' },
  });
  fixture.api.patch('Subnet', 'wired', { spec: { enableLb: false } });
  const group = ['Port_Group', 'wired.node1'] as const;
  await fixture.rowBecomes(...group, 'ports!=[]');
  await expect.poll(() => policies(29_400), { timeout: 30_000 }).toHaveLength(2);
  const [toNode] = (await policies(29_400)).filter((line) => line.includes('reroute'));
  expect(toNode?.replaceAll(/\s+/g, ' ')).toContain(
    '29400 ip4.src == $wired.node1_ip4 && ip4.dst == 10.96.0.0/12 reroute 10.96.0.200',
  );
  fixture.api.patch('Subnet', 'wired', { spec: { enableLb: true } });
  await expect.poll(() => policies(29_400), { timeout: 30_000 }).toHaveLength(1);
  const groups = await fixture.node.nbctl('--bare', '--columns=name', 'list', 'Port_Group');
  expect(groups).not.toContain('wired.node1');
});

test('a controller that starts finds all of it right, and writes nothing', async () => {
  const versions = () =>
    ['ProviderNetwork', 'Vlan', 'Vpc', 'IP', 'Subnet'].flatMap((kind) =>
      fixture.api
        .list(kind)
        .filter(({ metadata }) => metadata.name !== 'over' && !metadata.name.startsWith('last.'))
        .map(({ metadata }) => `${kind} ${metadata.name} ${metadata.resourceVersion}`),
    );
  // Of several nodes' changes, the status is one write some time later.
  await fixture.becomes('ProviderNetwork', NETWORK, ({ status }) => {
    return String(status?.notReadyNodes) === 'node1';
  });
  const rows = await northboundRows(fixture.node);
  const before = versions();
  expect(before.length).toBeGreaterThan(5);
  await fixture.restartController();
  // All that was to be done at the start is done before that.
  await fixture.allocated('last', 'over');
  expect(versions()).toEqual(before);
  const after = await northboundRows(fixture.node);
  const changed = Object.keys(rows).filter((key) => {
    return JSON.stringify(rows[key]) !== JSON.stringify(after[key]);
  });
  // The switch has one more port.
  expect(changed.map((key) => rows[key]?.name)).toEqual(['"over"']);
});

test('OVN takes every match', async () => {
  await fixture.node.nbctl('--wait=hv', 'sync');
  const logs = ['ovn-northd', 'ovn-controller'].map((name) => `${OVS_DIRECTORY}/${name}.log`);
  for (const log of logs)
    expect(await readFile(log, 'utf8')).not.toMatch(/error parsing|syntax error/i);
});
