/** GC and what no list names: ports without our marks, limits without a port, veth pairs without one. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { callRaw, requestFields } from '../lab/raw-http.ts';
import { createSandbox, deleteSandbox, type Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, type Fixture, ovnConfig } from './fixture.ts';
import {
  addAsGo,
  expectTraces,
  hasLink,
  type MadePod,
  NONE,
  removalsOf,
  WHOLE,
} from './garbage-support.ts';
import { collect, GATEWAY, GcNode, NETWORK, proofOf, SECOND } from './gc-support.ts';
import {
  canPing,
  census,
  expectNode,
  hostName,
  interfaceRow,
  mustAdd,
  portAppears,
  startAdd,
} from './observe.ts';

let gc: GcNode;
let fixture: Fixture;
beforeAll(async () => {
  gc = await GcNode.start();
  fixture = gc.fixture;
});
afterEach(() => gc.cleanUp());
afterAll(() => gc[Symbol.asyncDispose]());

describe('a port without our marks stays, whatever the list:', () => {
  const NAME = 'foreign_h';

  test("one that is not Kube-OVN's", async () => {
    const type = ['--', 'set', 'interface', NAME, 'type=internal'];
    await fixture.node.vsctl('add-port', 'br-int', NAME, ...type);
    await collect([]);
    expect(await interfaceRow(fixture.node, NAME)).toBeDefined();
    await fixture.node.vsctl('del-port', 'br-int', NAME);
  });

  test.each([
    ["one of Kube-OVN's Go daemon whose sandbox lives", undefined],
    ["one of a KubeVirt VM, which has the VM's name", 'vm-1'],
  ])('%s', async (_, podName) => {
    const { sandbox } = await fixture.pod();
    await addAsGo(fixture.node, sandbox, {
      name: NAME,
      ifName: 'net1',
      ...(podName && { podName }),
    });
    const with_ = await census(fixture.node);
    await collect([]);
    await expectNode(fixture.node, with_);
    await removeGoPort(NAME);
    await deleteSandbox(sandbox);
  });

  test("one that Kube-OVN's executable asked for, which names no network, until its sandbox is gone", async () => {
    const { sandbox } = await fixture.pod();
    const body = JSON.stringify(requestFields(sandbox, ATTACHNET));
    expect((await callRaw(SOCKET, { path: '/api/v1/add', body })).status).toBe(200);
    await collect([]);
    await expectTraces(fixture, sandbox, { ...NONE, rows: 1, links: 1 });
    await deleteSandbox(sandbox);
    // The kernel ends a namespace some time after its last name.
    await expect.poll(() => hasLink(hostName(sandbox, 'net1'))).toBe(false);
    await collect([]);
    await expectTraces(fixture, sandbox, NONE);
  });

  test('one of ours that does not say its network', async () => {
    const { sandbox } = await gc.addNic();
    const name = hostName(sandbox, 'net1');
    const marks = ['external_ids', 'provider', '--', 'remove', 'interface', name, 'external_ids'];
    await fixture.node.vsctl('remove', 'interface', name, ...marks, 'network');
    // The veth pair has the same marks.
    await command('ip', ['link', 'set', name, 'alias', '']);
    await collect([]);
    await expectTraces(fixture, sandbox, WHOLE);
  });
});

async function removeGoPort(name: string): Promise<void> {
  const limits = ['--', '--all', 'destroy', 'qos', '--', '--all', 'destroy', 'queue'];
  await fixture.node.vsctl('clear', 'port', name, 'qos', ...limits);
  await fixture.node.vsctl('del-port', 'br-int', name);
  await command('ip', ['link', 'delete', name]);
}

test('limits that no port has go with any GC', async () => {
  const { sandbox } = await gc.addNic();
  await fixture.node.vsctl('del-port', 'br-int', hostName(sandbox, 'net1'));
  await expectTraces(fixture, sandbox, { ...WHOLE, rows: 0 });
  await collect([], { network: 'other' });
  await expectTraces(fixture, sandbox, { ...NONE, links: 1 });
});

describe('a veth pair that became no port', () => {
  const NAME = 'unplugged_h';

  async function addPair(alias: string): Promise<Sandbox> {
    const sandbox = await createSandbox({ namespace: 'default', name: 'nobody', uid: '' });
    const mark = alias.replace('ID', sandbox.containerId);
    const name = hostName(sandbox, 'net1');
    const host = alias === '' ? NAME : name;
    await command('ip', ['link', 'add', host, 'type', 'veth', 'peer', 'netns', sandbox.netns]);
    await command('ip', ['link', 'set', host, 'alias', mark]);
    return sandbox;
  }

  test('is removed where the list does not have it, and kept where it does', async () => {
    const mark = `kube-ovn/ID/net1/${ATTACHNET}/${NETWORK}`;
    const [kept, lost] = [await addPair(mark), await addPair(mark)];
    await collect([{ containerId: kept.containerId, ifName: 'net1' }]);
    expect(await hasLink(hostName(kept, 'net1'))).toBe(true);
    expect(await hasLink(hostName(lost, 'net1'))).toBe(false);
    const fields = { containerId: lost.containerId, ifName: 'net1', proof: proofOf(1) };
    await expect.poll(() => removalsOf(fixture, lost)).toMatchObject([fields]);
    // A pair does not say its pod.
    expect(removalsOf(fixture, lost)[0]).not.toHaveProperty('pod');
    for (const sandbox of [kept, lost]) await deleteSandbox(sandbox);
    await expect.poll(() => hasLink(hostName(kept, 'net1'))).toBe(false);
  });

  test.each([
    ['of another network', `kube-ovn/ID/net1/${ATTACHNET}/other`],
    ['of another provider', `kube-ovn/ID/net1/${SECOND}/${NETWORK}`],
    ['with a mark that is none', `kube-ovn/ID/net1/${ATTACHNET}`],
    ['without a mark', ''],
  ])('%s stays', async (_, alias) => {
    const sandbox = await addPair(alias);
    const name = alias === '' ? NAME : hostName(sandbox, 'net1');
    await collect([]);
    expect(await hasLink(name)).toBe(true);
    await deleteSandbox(sandbox);
    await expect.poll(() => hasLink(name)).toBe(false);
  });

  /** Kills the daemon between the two steps of an ADD. */
  async function addHalf(): Promise<MadePod> {
    const pod = await fixture.pod();
    await fixture.node.killPart('ovsdb-server', 'SIGSTOP');
    try {
      const add = await startAdd(pod.sandbox, 'net1', ovnConfig());
      await expect.poll(() => hasLink(hostName(pod.sandbox, 'net1'))).toBe(true);
      await fixture.daemon.stop('SIGKILL');
      await add.outcome;
    } finally {
      await fixture.node.killPart('ovsdb-server', 'SIGCONT');
    }
    // The ovs-vsctl of the killed daemon goes on by itself: its port is removed by hand.
    await portAppears(hostName(pod.sandbox, 'net1')).catch(() => {});
    await fixture.node.vsctl('--if-exists', 'del-port', 'br-int', hostName(pod.sandbox, 'net1'));
    await fixture.restartDaemon([]);
    return pod;
  }

  test('since its daemon was killed is removed by GC', async () => {
    const { sandbox } = await addHalf();
    expect(await hasLink(hostName(sandbox, 'net1'))).toBe(true);
    await collect([]);
    await expectTraces(fixture, sandbox, NONE);
    await deleteSandbox(sandbox);
  });

  test('since its daemon was killed is no obstacle for another ADD of it', async () => {
    const { sandbox } = await addHalf();
    gc.made(sandbox);
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
  });
});
