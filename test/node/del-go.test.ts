/** DELs of interfaces that Kube-OVN's own daemon made before ours took over its node. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Sandbox } from '../lab/runtime.ts';
import { podLink } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { addAsGo } from './garbage-support.ts';
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

/** Makes an interface of attachnet, and resolves when OVN has marked its row. */
async function makeNet1(sandbox: Sandbox): Promise<void> {
  await addAsGo(fixture.node, sandbox, { ifName: 'net1', provider: ATTACHNET });
  await flowsInstalled(hostName(sandbox, 'net1'));
}

test('the DEL of net1 removes port, limits and veth pair', async () => {
  const { sandbox } = await fixture.pod();
  await makeNet1(sandbox);
  await mustDelete(sandbox, 'net1', ovnConfig());
  await expectNode(fixture.node, before);
  expect(await podLink(sandbox, 'net1')).toBeUndefined();
});

test('the DEL of eth0 does, too, without the namespace and the pod object', async () => {
  const { pod, sandbox, nic } = await fixture.pod();
  await addAsGo(fixture.node, sandbox, { ifName: 'eth0' });
  await fixture.cluster.deletePod(pod, [nic]);
  const config = ovnConfig({ provider: '' });
  await mustDelete(sandbox, 'eth0', config, { CNI_NETNS: '' });
  await expectNode(fixture.node, before);
});

test('a DEL of another container, whatever its pod, leaves it', async () => {
  const [made, other] = [await fixture.pod(), await fixture.pod()];
  await makeNet1(made.sandbox);
  before = await census(fixture.node);
  await mustDelete(other.sandbox, 'net1', ovnConfig());
  await mustDelete({ ...other.sandbox, pod: made.pod }, 'net1', ovnConfig());
  await expectNode(fixture.node, before);
});

test('a DEL of a container of another pod whose names collide leaves it', async () => {
  const [made, other] = [await fixture.pod(), await fixture.pod()];
  await makeNet1(made.sandbox);
  before = await census(fixture.node);
  const containerId = `${made.sandbox.containerId.slice(0, 20)}ffff`;
  await mustDelete({ ...other.sandbox, containerId }, 'net1', ovnConfig());
  await expectNode(fixture.node, before);
  expect(await interfaceRow(fixture.node, hostName(made.sandbox, 'net1'))).toBeDefined();
});

test("a DEL of another interface leaves it, and that interface's limits", async () => {
  const { sandbox } = await fixture.pod();
  await makeNet1(sandbox);
  before = await census(fixture.node);
  const provider = 'other.default.ovn';
  await addAsGo(fixture.node, sandbox, { ifName: 'net2', provider });
  await mustDelete(sandbox, 'net2', ovnConfig({ provider }));
  await expectNode(fixture.node, before);
});
