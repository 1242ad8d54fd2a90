/** DELs of interfaces that Kube-OVN's own daemon made before ours took over its node. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { podLink } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import {
  type Census,
  census,
  expectNode,
  flowsInstalled,
  hostName,
  interfaceRow,
  mustDelete,
} from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

let before: Census;
beforeEach(async () => {
  before = await census(fixture.node);
});

/** Makes an interface as the Go daemon does: rows without our key. */
async function addAsGo(sandbox: Sandbox, ifName: string, provider = ATTACHNET): Promise<void> {
  const host = hostName(sandbox, ifName);
  const pair = ['type', 'veth', 'peer', 'name', ifName, 'netns', sandbox.netns];
  await command('ip', ['link', 'add', host, ...pair]);
  const { name, namespace } = sandbox.pod;
  const port = provider === 'ovn' ? `${name}.${namespace}` : `${name}.${namespace}.${provider}`;
  const marks = [`external_ids:iface-id=${port}`, `external_ids:pod="${namespace}/${name}"`];
  await fixture.node.vsctl(
    ...['--', 'add-port', 'br-int', host, '--', 'set', 'interface', host],
    `external_ids:iface-id=${port}`,
    'external_ids:vendor=kube-ovn',
    `external_ids:pod_name=${name}`,
    `external_ids:pod_namespace=${namespace}`,
    `external_ids:pod_netns=${sandbox.netns}`,
    'external_ids:ip=172.17.1.1',
    ...['--', '--id=@queue', 'create', 'Queue', 'other_config:max-rate=10000000', ...marks],
    ...['--', '--id=@qos', 'create', 'QoS', 'type=linux-htb', 'queues:0=@queue', ...marks],
    ...['--', 'set', 'port', host, 'qos=@qos'],
  );
  // Only attachnet has a logical switch port, for which OVN marks the row.
  if (provider === ATTACHNET) await flowsInstalled(host);
}

test('the DEL of net1 removes port, limits and veth pair', async () => {
  const { sandbox } = await fixture.pod();
  await addAsGo(sandbox, 'net1');
  await mustDelete(sandbox, 'net1', ovnConfig());
  await expectNode(fixture.node, before);
  expect(await podLink(sandbox, 'net1')).toBeUndefined();
});

test('the DEL of eth0 does, too, without the namespace and the pod object', async () => {
  const { pod, sandbox, nic } = await fixture.pod();
  await addAsGo(sandbox, 'eth0', 'ovn');
  await fixture.cluster.deletePod(pod, [nic]);
  const config = ovnConfig({ provider: '' });
  await mustDelete(sandbox, 'eth0', config, { CNI_NETNS: '' });
  await expectNode(fixture.node, before);
});

test('a DEL of another container, whatever its pod, leaves it', async () => {
  const [made, other] = [await fixture.pod(), await fixture.pod()];
  await addAsGo(made.sandbox, 'net1');
  before = await census(fixture.node);
  await mustDelete(other.sandbox, 'net1', ovnConfig());
  await mustDelete({ ...other.sandbox, pod: made.pod }, 'net1', ovnConfig());
  await expectNode(fixture.node, before);
});

test('a DEL of a container of another pod whose names collide leaves it', async () => {
  const [made, other] = [await fixture.pod(), await fixture.pod()];
  await addAsGo(made.sandbox, 'net1');
  before = await census(fixture.node);
  const containerId = `${made.sandbox.containerId.slice(0, 20)}ffff`;
  await mustDelete({ ...other.sandbox, containerId }, 'net1', ovnConfig());
  await expectNode(fixture.node, before);
  expect(await interfaceRow(fixture.node, hostName(made.sandbox, 'net1'))).toBeDefined();
});

test("a DEL of another interface leaves it, and that interface's limits", async () => {
  const { sandbox } = await fixture.pod();
  await addAsGo(sandbox, 'net1');
  before = await census(fixture.node);
  await addAsGo(sandbox, 'net2', 'other.default.ovn');
  await mustDelete(sandbox, 'net2', ovnConfig({ provider: 'other.default.ovn' }));
  await expectNode(fixture.node, before);
});
