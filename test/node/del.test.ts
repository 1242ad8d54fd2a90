import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { NicPlan } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { deleteSandbox, type Sandbox } from '../lab/runtime.ts';
import { podLink, podState } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import {
  attachmentRow,
  type Census,
  canPing,
  census,
  expectNode,
  failedAdd,
  hostName,
  interfacesOf,
  mustAdd,
  mustDelete,
} from './observe.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=3']);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const LIMITS = { ingress_rate: '10', egress_rate: '10' };

/** A pod with limits, which make the most rows. */
function limitedPod() {
  return fixture.pod({ nic: (nic) => ({ ...nic, more: LIMITS }) });
}

/** What of a pod's NIC must not change when another one goes. */
async function stateOf(sandbox: Sandbox, ifName: string) {
  const { _uuid, name, external_ids } = await attachmentRow(fixture.node, sandbox, ifName);
  return { _uuid, name, external_ids, link: await podLink(sandbox, ifName) };
}

describe('a DEL removes exactly its own interface:', () => {
  test('not another one of the same pod, even of the same network', async () => {
    const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
    const nics: NicPlan[] = ['net1', 'net2'].map((ifName, index) => ({
      ...nic,
      ip: `172.17.4.${index + 1}`,
      mac: `00:00:00:00:04:0${index + 1}`,
      ifName,
      more: LIMITS,
    }));
    for (const each of nics) await fixture.cluster.allocate(pod, each);
    await mustAdd(sandbox, 'net1', ovnConfig());
    const onlyNet1 = await census(fixture.node);
    await mustAdd(sandbox, 'net2', ovnConfig());
    await mustDelete(sandbox, 'net2', ovnConfig());
    await expectNode(fixture.node, onlyNet1);
    expect(await podLink(sandbox, 'net2')).toBeUndefined();
    expect(await canPing(sandbox, '172.17.0.1', 'net1')).toBe(true);
  });

  test("not another pod's", async () => {
    const [one, other] = [await limitedPod(), await limitedPod()];
    await mustAdd(one.sandbox, 'net1', ovnConfig());
    const onlyOne = await census(fixture.node);
    const podOne = await podState(one.sandbox);
    await mustAdd(other.sandbox, 'net1', ovnConfig());
    await mustDelete(other.sandbox, 'net1', ovnConfig());
    await expectNode(fixture.node, onlyOne);
    expect(await podState(one.sandbox)).toEqual(podOne);
  });

  test("not the newer sandbox's of the same pod", async () => {
    const { pod, sandbox } = await limitedPod();
    await mustAdd(sandbox, 'net1', ovnConfig());
    const newer = (await fixture.pod()).sandbox;
    const newerOfPod = { ...newer, pod };
    await mustAdd(newerOfPod, 'net1', ovnConfig());
    const before = await stateOf(newerOfPod, 'net1');
    await mustDelete(sandbox, 'net1', ovnConfig());
    expect(await interfacesOf(fixture.node, sandbox)).toEqual([]);
    expect(await stateOf(newerOfPod, 'net1')).toEqual(before);
    expect(await canPing(newerOfPod, '172.17.0.1')).toBe(true);
  });
});

describe('a DEL succeeds and leaves nothing', () => {
  let before: Census;
  let made: Awaited<ReturnType<typeof limitedPod>>;
  beforeEach(async () => {
    before = await census(fixture.node);
    made = await limitedPod();
    await mustAdd(made.sandbox, 'net1', ovnConfig());
  });

  test('when it is repeated', async () => {
    for (let count = 0; count < 3; count += 1) {
      await mustDelete(made.sandbox, 'net1', ovnConfig());
      await expectNode(fixture.node, before);
    }
  });

  test('when several come at once', async () => {
    const calls = Array.from({ length: 5 }, () => mustDelete(made.sandbox, 'net1', ovnConfig()));
    await Promise.all(calls);
    await expectNode(fixture.node, before);
  });

  test('with an empty CNI_NETNS, and without one', async () => {
    await mustDelete(made.sandbox, 'net1', ovnConfig(), { CNI_NETNS: '' });
    await expectNode(fixture.node, before);
    await mustDelete(made.sandbox, 'net1', ovnConfig(), { CNI_NETNS: undefined });
  });

  test('with the network namespace gone', async () => {
    await deleteSandbox(made.sandbox);
    await mustDelete(made.sandbox, 'net1', ovnConfig());
    await expectNode(fixture.node, before);
  });

  test('with the pod object gone', async () => {
    await fixture.cluster.deletePod(made.pod, [made.nic]);
    await mustDelete(made.sandbox, 'net1', ovnConfig());
    await expectNode(fixture.node, before);
  });

  test('with pod, namespace and logical switch port gone', async () => {
    await fixture.cluster.deletePod(made.pod, [made.nic]);
    await deleteSandbox(made.sandbox);
    await mustDelete(made.sandbox, 'net1', ovnConfig());
    await expectNode(fixture.node, before);
  });

  test('with the Subnet gone', async () => {
    fixture.api.delete('Subnet', 'attachnet');
    await mustDelete(made.sandbox, 'net1', ovnConfig());
    await expectNode(fixture.node, before);
    const { name, provider, cidrBlock, gateway } = fixture.attachnet;
    fixture.api.create({
      kind: 'Subnet',
      metadata: { name },
      spec: { provider, cidrBlock, gateway },
    });
  });

  // The rows of its limits stay, and are found by their marks.
  test.each([
    ['del-port', (name: string) => ['del-port', name]],
    ['remove', (_: string, uuid: string) => ['remove', 'Bridge', 'br-int', 'ports', uuid]],
  ])('with the port taken out of OVS by hand, by %s', async (_, toCommand) => {
    const name = hostName(made.sandbox, 'net1');
    const uuid = (await fixture.node.vsctl('get', 'Port', name, '_uuid')).trim();
    await fixture.node.vsctl(...toCommand(name, uuid));
    await mustDelete(made.sandbox, 'net1', ovnConfig());
    await expectNode(fixture.node, before);
  });

  test('with the veth pair deleted by hand', async () => {
    await command('ip', ['link', 'delete', hostName(made.sandbox, 'net1')]);
    await mustDelete(made.sandbox, 'net1', ovnConfig());
    await expectNode(fixture.node, before);
  });

  test('after a restart of the daemon', async () => {
    await fixture.restartDaemon(['--add-timeout-seconds=3'], 'SIGKILL');
    await mustDelete(made.sandbox, 'net1', ovnConfig());
    await expectNode(fixture.node, before);
  });
});

describe('a DEL of what was never added', () => {
  test('succeeds and changes nothing', async () => {
    const [one, other] = [await limitedPod(), await limitedPod()];
    await mustAdd(one.sandbox, 'net1', ovnConfig());
    const before = await census(fixture.node);
    await mustDelete(other.sandbox, 'net1', ovnConfig());
    await mustDelete(one.sandbox, 'net9', ovnConfig());
    expect(await census(fixture.node)).toEqual(before);
  });

  test('removes a veth pair without a port, as a killed daemon leaves it', async () => {
    const { sandbox } = await fixture.pod();
    const before = await census(fixture.node);
    const pair = ['type', 'veth', 'peer', 'name', 'net1', 'netns', sandbox.netns];
    await command('ip', ['link', 'add', hostName(sandbox, 'net1'), ...pair]);
    await mustDelete(sandbox, 'net1', ovnConfig());
    expect(await census(fixture.node)).toEqual(before);
    expect(await podLink(sandbox, 'net1')).toBeUndefined();
  });

  test("does not touch another container's port that has the same name", async () => {
    const [one, other] = [await limitedPod(), await limitedPod()];
    const similar = {
      ...other.sandbox,
      containerId: `${one.sandbox.containerId.slice(0, 20)}${other.sandbox.containerId.slice(20)}`,
    };
    for (const ifName of ['net1', 'abcdefghijk']) {
      await mustAdd(one.sandbox, ifName, ovnConfig());
      const before = await census(fixture.node);
      await mustDelete(similar, ifName, ovnConfig());
      expect(await census(fixture.node)).toEqual(before);
      expect(await canPing(one.sandbox, '172.17.0.1', ifName)).toBe(true);
      await mustDelete(one.sandbox, ifName, ovnConfig());
    }
  });
});

describe('an ADD that fails leaves nothing', () => {
  async function expectNothing(sandbox: Sandbox, config: object, code: number, text: string) {
    const [node, pod] = [await census(fixture.node), await podState(sandbox)];
    const result = await failedAdd(sandbox, 'net1', { ...ovnConfig(), ...config });
    expect(result).toMatchObject({ code });
    expect(`${result.msg} ${result.details}`).toContain(text);
    expect(await census(fixture.node)).toEqual(node);
    expect(await podState(sandbox)).toEqual(pod);
    // The runtime's DEL after it finds nothing, and changes nothing.
    await mustDelete(sandbox, 'net1', ovnConfig());
    expect(await census(fixture.node)).toEqual(node);
  }

  test('when a route has a gateway that is not on the link', async () => {
    const { sandbox } = await limitedPod();
    const routes = [{ dst: '10.99.0.0/16', gw: '10.98.0.1' }];
    await expectNothing(sandbox, { routes }, 7, '10.98.0.1');
  });

  test('when the gateway never answers', async () => {
    const { pod, sandbox } = await limitedPod();
    const gateway = { [`${ATTACHNET}.kubernetes.io/gateway`]: '172.17.255.254' };
    fixture.cluster.annotate(pod, gateway);
    await expectNothing(sandbox, {}, 11, 'gateway 172.17.255.254');
  });

  test('when one of two gateways never answers', async () => {
    const { pod, sandbox } = await fixture.pod({
      nic: (nic) => ({ ...nic, ip: `${nic.ip},fd00:172:17::7`, more: LIMITS }),
    });
    const gateway = { [`${ATTACHNET}.kubernetes.io/gateway`]: '172.17.0.1,fd00:172:17::ffff' };
    fixture.cluster.annotate(pod, gateway);
    await expectNothing(sandbox, {}, 11, 'gateway fd00:172:17::ffff');
  });

  test('when an IPv6 gateway is silent for longer than the kernel looks for a neighbour', async () => {
    await fixture.restartDaemon(['--add-timeout-seconds=6']);
    const { sandbox, pod } = await fixture.pod({
      nic: (nic) => ({ ...nic, ip: 'fd00:172:17::8', more: LIMITS }),
    });
    const gateway = { [`${ATTACHNET}.kubernetes.io/gateway`]: 'fd00:172:17::ffff' };
    fixture.cluster.annotate(pod, gateway);
    await expectNothing(sandbox, {}, 11, 'waited 6 s for gateway fd00:172:17::ffff');
  });

  test('when the pod has an interface of that name already', async () => {
    const { sandbox } = await limitedPod();
    const other = ['type', 'veth', 'peer', 'name', 'other'];
    await command('ip', ['-n', sandbox.netnsName, 'link', 'add', 'net1', ...other]);
    await expectNothing(sandbox, {}, 4, 'already exists');
    expect(await podLink(sandbox, 'net1')).toBeDefined();
  });

  test('when the interface is there already, which goes on working', async () => {
    const { sandbox } = await limitedPod();
    await mustAdd(sandbox, 'net1', ovnConfig());
    const before = await census(fixture.node);
    expect(await failedAdd(sandbox, 'net1', ovnConfig())).toMatchObject({ code: 4 });
    expect(await census(fixture.node)).toEqual(before);
    expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
  });
});
