/**
 * Clean-up without a call: what a lost sandbox leaves goes by itself, and whatever may still live
 * stays.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { command, outcomeOf } from '../lab/command.ts';
import { Daemon, SOCKET } from '../lab/daemon.ts';
import { callRaw } from '../lab/raw-http.ts';
import { deleteSandbox, inSandbox, type Sandbox } from '../lab/runtime.ts';
import { Fixture, KUBECONFIG, ovnConfig } from './fixture.ts';
import {
  addAsGo,
  expectGone,
  expectRemoval,
  expectTraces,
  hasLink,
  limitedPod,
  NONE,
  removalsOf,
  WHOLE,
} from './garbage-support.ts';
import {
  type Census,
  canPing,
  census,
  expectNode,
  hostName,
  interfaceRow,
  mustDelete,
} from './observe.ts';

const GATEWAY = '172.17.0.1';

let fixture: Fixture;
let before: Census;
beforeAll(async () => {
  fixture = await Fixture.start();
  before = await census(fixture.node);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Sandboxes that live on after a test; they go after it, with DELs as a runtime sends them. */
let living: Sandbox[];
beforeEach(() => {
  living = [];
});
afterEach(async () => {
  for (const sandbox of living) {
    await mustDelete(sandbox, 'net1', ovnConfig());
    await outcomeOf('ip', ['netns', 'delete', sandbox.netnsName]);
  }
  await expectNode(fixture.node, before);
});

/** Resolves when the daemon has looked at every port: a GC without a list ends with that. */
async function swept(): Promise<void> {
  const body = JSON.stringify({ cni_type: 'kube-ovn', provider: 'none', network: 'none' });
  expect(await callRaw(SOCKET, { path: '/api/v1/gc', body })).toMatchObject({ status: 204 });
}

async function expectLives(sandbox: Sandbox): Promise<void> {
  await swept();
  await expectTraces(fixture, sandbox, WHOLE);
  expect(removalsOf(fixture, sandbox)).toEqual([]);
}

/** One line of the log, with its proof. */
async function expectProof(sandbox: Sandbox): Promise<void> {
  const port = hostName(sandbox, 'net1');
  const proof = `nothing is mounted at ${sandbox.netns}, and the node has no link ${port}`;
  await expectRemoval(fixture, sandbox, { port, proof });
}

describe('a sandbox that goes without a DEL', () => {
  test('takes its port and its limits with it, at once, and the log says why', async () => {
    const [lost, other] = [await limitedPod(fixture), await limitedPod(fixture)];
    living.push(other.sandbox);
    const startedMs = performance.now();
    await deleteSandbox(lost.sandbox);
    await fixture.daemon.logged(`no link ${hostName(lost.sandbox, 'net1')}`);
    console.log(`a lost sandbox is cleaned up in ${Math.round(performance.now() - startedMs)} ms`);
    await expectGone(fixture, lost.sandbox);
    await expectProof(lost.sandbox);
    await expectLives(other.sandbox);
    expect(await canPing(other.sandbox, GATEWAY)).toBe(true);
  });

  test('may have had its interface down before', async () => {
    const { sandbox } = await limitedPod(fixture);
    await inSandbox(sandbox, 'ip', 'link', 'set', 'net1', 'down');
    await command('ovs-vsctl', [
      ...['--db=unix:/run/openvswitch/db.sock', '--no-wait', '--timeout=20'],
      ...['wait-until', 'interface', hostName(sandbox, 'net1'), 'link_state=down'],
    ]);
    await expectLives(sandbox);
    await deleteSandbox(sandbox);
    await expectGone(fixture, sandbox);
    await expectProof(sandbox);
  });

  test('may have had its interface deleted before, while its pod stays', async () => {
    const { sandbox } = await limitedPod(fixture);
    await inSandbox(sandbox, 'ip', 'link', 'delete', 'net1');
    // OVS has said all that it will say, and the daemon has looked: the sandbox is still there.
    await command('ovs-vsctl', [
      ...['--db=unix:/run/openvswitch/db.sock', '--no-wait', '--timeout=20'],
      ...['wait-until', 'interface', hostName(sandbox, 'net1'), 'ifindex=0'],
    ]);
    await swept();
    await expectTraces(fixture, sandbox, { ...WHOLE, links: 0 });
    await deleteSandbox(sandbox);
    await expectGone(fixture, sandbox);
    await expectProof(sandbox);
  });

  test('may have had its interface deleted before, and leave the file of its namespace', async () => {
    const { sandbox } = await limitedPod(fixture);
    await inSandbox(sandbox, 'ip', 'link', 'delete', 'net1');
    await swept();
    await command('umount', [sandbox.netns]);
    await expectGone(fixture, sandbox);
    await command('rm', [sandbox.netns]);
  });

  test('may leave the file that its namespace was mounted on', async () => {
    const { sandbox } = await limitedPod(fixture);
    await command('umount', [sandbox.netns]);
    await expectGone(fixture, sandbox);
    await expectProof(sandbox);
    await command('rm', [sandbox.netns]);
  });

  test('may be one of many that go together', async () => {
    const pods = await Promise.all(Array.from({ length: 20 }, () => limitedPod(fixture)));
    await Promise.all(pods.map(({ sandbox }) => deleteSandbox(sandbox)));
    for (const { sandbox } of pods) {
      await expectGone(fixture, sandbox);
      await expectProof(sandbox);
    }
  });

  test('and whose DEL comes late has nothing left to remove', async () => {
    const { sandbox } = await limitedPod(fixture);
    await deleteSandbox(sandbox);
    await Promise.all([
      mustDelete(sandbox, 'net1', ovnConfig(), { CNI_NETNS: '' }),
      mustDelete(sandbox, 'net1', ovnConfig()),
    ]);
    await expectTraces(fixture, sandbox, NONE);
    await mustDelete(sandbox, 'net1', ovnConfig());
  });
});

describe('a sandbox that goes while the daemon is away', () => {
  test('is cleaned up when the daemon starts', async () => {
    const [lost, other] = [await limitedPod(fixture), await limitedPod(fixture)];
    living.push(other.sandbox);
    await fixture.daemon.stop('SIGKILL');
    await deleteSandbox(lost.sandbox);
    await expect.poll(() => hasLink(hostName(lost.sandbox, 'net1'))).toBe(false);
    await expectTraces(fixture, lost.sandbox, { ...WHOLE, links: 0 });
    await fixture.restartDaemon([]);
    await expectGone(fixture, lost.sandbox);
    await expectProof(lost.sandbox);
    await expectLives(other.sandbox);
  });

  test('and its pod, too, is no different', async () => {
    const { sandbox, pod, nic } = await limitedPod(fixture);
    await fixture.daemon.stop('SIGKILL');
    await fixture.cluster.deletePod(pod, [nic]);
    await deleteSandbox(sandbox);
    await fixture.restartDaemon([]);
    await expectGone(fixture, sandbox);
  });
});

describe('a sandbox that goes while OVS is away', () => {
  test.each(['ovs-vswitchd', 'ovsdb-server'])('is cleaned up when %s is back', async (part) => {
    const [lost, other] = [await limitedPod(fixture), await limitedPod(fixture)];
    living.push(other.sandbox);
    await fixture.node.killPart(part);
    await deleteSandbox(lost.sandbox);
    await expect.poll(() => hasLink(hostName(lost.sandbox, 'net1'))).toBe(false);
    await fixture.node.startPart(part);
    await expectGone(fixture, lost.sandbox);
    await expectProof(lost.sandbox);
    await expect.poll(() => canPing(other.sandbox, GATEWAY), { timeout: 60_000 }).toBe(true);
    await expectLives(other.sandbox);
  });
});

describe('a port stays', () => {
  test('when the pod object is gone and the sandbox lives', async () => {
    const { sandbox, pod } = await limitedPod(fixture);
    living.push(sandbox);
    await fixture.cluster.deletePod(pod);
    await expectLives(sandbox);
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
    await fixture.restartDaemon([]);
    await expectLives(sandbox);
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
  });

  test('when the path of the namespace is gone, in which a process still runs', async () => {
    const { sandbox } = await limitedPod(fixture);
    living.push(sandbox);
    const process = spawn('nsenter', [`--net=${sandbox.netns}`, 'sh', '-c', 'echo; exec cat']);
    await once(process.stdout, 'data');
    await deleteSandbox(sandbox);
    const inside: Sandbox = { ...sandbox, netns: `/proc/${process.pid}/ns/net` };
    await expectLives(sandbox);
    await fixture.restartDaemon([]);
    await expectLives(sandbox);
    expect(await canPing(inside, GATEWAY)).toBe(true);
    // And goes with the process.
    living.pop();
    process.stdin.end();
    await once(process, 'exit');
    await expectGone(fixture, sandbox);
    await expectProof(sandbox);
  });

  test('when its link is deleted by hand and the namespace lives', async () => {
    const { sandbox } = await limitedPod(fixture);
    living.push(sandbox);
    await command('ip', ['link', 'delete', hostName(sandbox, 'net1')]);
    await swept();
    await expectTraces(fixture, sandbox, { ...WHOLE, links: 0 });
    expect(removalsOf(fixture, sandbox)).toEqual([]);
  });

  test('when it is not ours, although nothing is at the path that it names', async () => {
    const name = 'foreign_h';
    const ids = ['pod_netns=/run/netns/gone', 'pod_name=a', 'pod_namespace=b', 'vendor=other'];
    await fixture.node.vsctl(
      ...['add-port', 'br-int', name, '--', 'set', 'interface', name],
      ...ids.map((id) => `external_ids:${id}`),
    );
    await swept();
    expect(await interfaceRow(fixture.node, name)).toBeDefined();
    await fixture.node.vsctl('del-port', 'br-int', name);
  });
});

describe("a port of Kube-OVN's Go daemon", () => {
  test.each([
    ['a pod', undefined],
    ["a VM, which has the VM's name,", 'vm-1'],
  ])('of %s stays while its sandbox lives, and goes when that is gone', async (_, podName) => {
    const { sandbox } = await fixture.pod();
    const ofWhom = podName === undefined ? {} : { podName };
    await addAsGo(fixture.node, sandbox, { name: 'gos_h', ifName: 'net1', ...ofWhom });
    const with_ = await census(fixture.node);
    await swept();
    await fixture.restartDaemon([]);
    await swept();
    await expectNode(fixture.node, with_);
    await deleteSandbox(sandbox);
    await expect.poll(() => interfaceRow(fixture.node, 'gos_h')).toBeUndefined();
    await expectNode(fixture.node, before);
    const lines = fixture.daemon.logLines('no link gos_h').map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { pod: `default/${podName ?? sandbox.pod.name}`, port: 'gos_h', proof: expect.anything() },
    ]);
  });
});

test('limits that no port has go when the daemon starts, and those of ports stay', async () => {
  const [broken, other] = [await limitedPod(fixture), await limitedPod(fixture)];
  living.push(broken.sandbox, other.sandbox);
  await fixture.node.vsctl('del-port', 'br-int', hostName(broken.sandbox, 'net1'));
  await expectTraces(fixture, broken.sandbox, { ...WHOLE, rows: 0 });
  await fixture.restartDaemon([]);
  await fixture.daemon.logged('removed limits without a port');
  await expectTraces(fixture, broken.sandbox, { ...NONE, links: 1 });
  await expectLives(other.sandbox);
  const [line = '{}'] = fixture.daemon.logLines('removed limits without a port');
  expect(JSON.parse(line)).toMatchObject({
    qos: [expect.any(String)],
    queues: [expect.any(String)],
    proof: expect.stringContaining('no port has them'),
  });
});

describe('a daemon that does not see the links of OVS', () => {
  const ELSEWHERE = 'elsewhere';

  test('removes nothing, and says what it needs', async () => {
    const [lost, other] = [await limitedPod(fixture), await limitedPod(fixture)];
    living.push(other.sandbox);
    await fixture.daemon.stop();
    await deleteSandbox(lost.sandbox);
    await command('ip', ['netns', 'add', ELSEWHERE]);
    fixture.daemon = await Daemon.start({
      kubeconfig: KUBECONFIG,
      nodeName: fixture.node.chassis,
      within: ['nsenter', `--net=/run/netns/${ELSEWHERE}`],
    });
    await fixture.daemon.logged('no clean-up');
    await swept();
    expect(fixture.daemon.logLines('hostNetwork').length).toBeGreaterThan(0);
    expect(fixture.daemon.logLines('"proof"')).toEqual([]);
    await expectTraces(fixture, lost.sandbox, { ...WHOLE, links: 0 });
    await expectTraces(fixture, other.sandbox, WHOLE);
    await fixture.restartDaemon([]);
    await expectGone(fixture, lost.sandbox);
    await expectLives(other.sandbox);
    await command('ip', ['netns', 'delete', ELSEWHERE]);
  });
});
