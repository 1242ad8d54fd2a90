/**
 * Several sandboxes of one pod: the newest has its logical switch port, in whatever order their
 * calls come.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { allocationAnnotations, type NicPlan, portName } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { type CniOutcome, cni, createSandbox, type Sandbox } from '../lab/runtime.ts';
import { podLink } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig, PRIMARY } from './fixture.ts';
import { expectTraces, LIMITS, NONE, WHOLE } from './garbage-support.ts';
import {
  attachmentRow,
  type Census,
  canPing,
  census,
  expectNode,
  failedAdd,
  hostName,
  mustAdd,
  mustDelete,
  portAppears,
  type RunningCall,
  rowsOf,
  startAdd,
  Tap,
} from './observe.ts';
import { endSandboxes } from './sandboxes.ts';

const GATEWAY = '172.17.0.1';
const TAP = '/run/tap.sock';
/** "At once": far from the deadline. */
const QUICK_MS = 2000;

let fixture: Fixture;
let tap: Tap;
let primary: typeof PRIMARY;
let before: Census;
beforeAll(async () => {
  fixture = await Fixture.start(['--add-timeout-seconds=30']);
  primary = await fixture.cluster.createSubnet(PRIMARY);
  tap = await Tap.start(TAP, SOCKET);
  before = await census(fixture.node);
});
afterAll(async () => {
  await tap[Symbol.asyncDispose]();
  await fixture[Symbol.asyncDispose]();
});

/** Sandboxes of a test; they go after it, with DELs as a runtime sends them. */
let sandboxes: Sandbox[];
beforeEach(() => {
  sandboxes = [];
});
afterEach(async () => {
  await endSandboxes(fixture, sandboxes);
  await expectNode(fixture.node, before);
});

const birthOf = ({ netns }: Sandbox) => statSync(netns, { bigint: true }).ctimeNs;

/** Two sandboxes of one pod, the older one first. */
async function makePair(pod: Sandbox['pod']): Promise<{ older: Sandbox; newer: Sandbox }> {
  const older = await createSandbox(pod);
  const newer = await createSandbox(pod);
  expect(birthOf(newer)).toBeGreaterThan(birthOf(older));
  sandboxes.push(older, newer);
  return { older, newer };
}

/** A pod with limits on net1 and two sandboxes. */
async function podWithTwo(nics = (nic: NicPlan): NicPlan[] => [nic]) {
  const { name, v4, mac } = fixture.next();
  const pod = fixture.cluster.createPod(name);
  const nic = { provider: ATTACHNET, subnet: fixture.attachnet, ip: v4, mac, more: LIMITS };
  for (const each of nics(nic)) await fixture.cluster.allocate(pod, each);
  return { pod, nic, ...(await makePair(pod)) };
}

/** The sandbox that has a logical switch port. */
async function ownerOf(port: string): Promise<string | undefined> {
  const rows = await rowsOf(fixture.node, 'Interface');
  const owners = rows.filter(({ external_ids }) => external_ids['iface-id'] === port);
  expect(owners.length).toBeLessThanOrEqual(1);
  return owners[0]?.external_ids.container_id;
}

const isHolder = async (sandbox: Sandbox, nic: NicPlan) =>
  (await ownerOf(portName(sandbox.pod, nic))) === sandbox.containerId;

/** An ADD that the order of sandboxes ended. */
function expectSuperseded({ exitCode, result }: CniOutcome, newer?: Sandbox): void {
  expect(exitCode).toBe(1);
  expect(result).toMatchObject({ code: 102 });
  expect(result?.msg).toContain('a newer sandbox');
  if (newer !== undefined) expect(result?.msg).toContain(newer.containerId);
}

/** Counts with every link that anybody makes. */
async function linkNumber(): Promise<number> {
  const name = 'counter';
  await command('ip', ['link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}2`]);
  const [link] = JSON.parse(await command('ip', ['-j', 'link', 'show', name]));
  await command('ip', ['link', 'delete', name]);
  return link.ifindex;
}
/** Links that `linkNumber` makes itself. */
const OWN_LINKS = 2;

describe('the ADD of a newer sandbox', () => {
  test("takes the logical switch port, and the older one's port stays without it", async () => {
    const { older, newer, nic } = await podWithTwo();
    await mustAdd(older, 'net1', ovnConfig());
    expect(await canPing(older, GATEWAY)).toBe(true);
    await mustAdd(newer, 'net1', ovnConfig());
    expect(await isHolder(newer, nic)).toBe(true);
    expect((await attachmentRow(fixture.node, older, 'net1')).external_ids).not.toHaveProperty(
      'iface-id',
    );
    for (const sandbox of [older, newer]) await expectTraces(fixture, sandbox, WHOLE);
    expect(await canPing(newer, GATEWAY)).toBe(true);
  });

  test('is not harmed by a DEL of the older one', async () => {
    const { older, newer, nic } = await podWithTwo();
    await mustAdd(older, 'net1', ovnConfig());
    await mustAdd(newer, 'net1', ovnConfig());
    const row = await attachmentRow(fixture.node, newer, 'net1');
    await mustDelete(older, 'net1', ovnConfig());
    await expectTraces(fixture, older, NONE);
    await expectTraces(fixture, newer, WHOLE);
    expect((await attachmentRow(fixture.node, newer, 'net1'))._uuid).toBe(row._uuid);
    expect(await isHolder(newer, nic)).toBe(true);
    expect(await canPing(newer, GATEWAY)).toBe(true);
  });

  test('is not harmed by a DEL of the older one that runs beside it', async () => {
    const { older, newer, nic } = await podWithTwo();
    await mustAdd(older, 'net1', ovnConfig());
    await Promise.all([
      mustAdd(newer, 'net1', ovnConfig()),
      mustDelete(older, 'net1', ovnConfig()),
    ]);
    await expectTraces(fixture, older, NONE);
    await expectTraces(fixture, newer, WHOLE);
    expect(await isHolder(newer, nic)).toBe(true);
  });
});

describe('the ADD of an older sandbox that comes late', () => {
  test('is refused before it makes anything', async () => {
    const { older, newer, nic } = await podWithTwo();
    await mustAdd(newer, 'net1', ovnConfig());
    const now = await census(fixture.node);
    const number = await linkNumber();
    expectSuperseded(await cni('ADD', older, 'net1', ovnConfig()), newer);
    expect((await linkNumber()) - number).toBe(OWN_LINKS);
    await expectNode(fixture.node, now);
    expect(await podLink(older, 'net1')).toBeUndefined();
    expect(await isHolder(newer, nic)).toBe(true);
    expect(await canPing(newer, GATEWAY)).toBe(true);
  });

  test('and its DEL, too, touch nothing of the newer one', async () => {
    const { older, newer } = await podWithTwo();
    await mustAdd(newer, 'net1', ovnConfig());
    const now = await census(fixture.node);
    await failedAdd(older, 'net1', ovnConfig());
    await mustDelete(older, 'net1', ovnConfig());
    await expectNode(fixture.node, now);
    expect(await canPing(newer, GATEWAY)).toBe(true);
  });

  test('is refused by a daemon that knows of neither, since it was killed and started', async () => {
    const { older, newer } = await podWithTwo();
    await mustAdd(newer, 'net1', ovnConfig());
    await fixture.restartDaemon(['--add-timeout-seconds=30'], 'SIGKILL');
    expectSuperseded(await cni('ADD', older, 'net1', ovnConfig()), newer);
    await expectTraces(fixture, newer, WHOLE);
    // The newest of all is not.
    const newest = await createSandbox(newer.pod);
    sandboxes.push(newest);
    await mustAdd(newest, 'net1', ovnConfig());
    expect(await canPing(newest, GATEWAY)).toBe(true);
  });

  test('works when the newer one had its DEL', async () => {
    const { older, newer, nic } = await podWithTwo();
    await mustAdd(older, 'net1', ovnConfig());
    await mustAdd(newer, 'net1', ovnConfig());
    await mustDelete(older, 'net1', ovnConfig());
    await failedAdd(older, 'net1', ovnConfig());
    await mustDelete(newer, 'net1', ovnConfig());
    await mustAdd(older, 'net1', ovnConfig());
    expect(await isHolder(older, nic)).toBe(true);
    expect(await canPing(older, GATEWAY)).toBe(true);
  });
});

describe('a newer sandbox that is gone does not hold up an older one', () => {
  test('when it had no DEL', async () => {
    const { older, newer, nic } = await podWithTwo();
    await mustAdd(newer, 'net1', ovnConfig());
    await command('ip', ['netns', 'delete', newer.netnsName]);
    await mustAdd(older, 'net1', ovnConfig());
    expect(await isHolder(older, nic)).toBe(true);
    expect(await canPing(older, GATEWAY)).toBe(true);
  });

  test.each([
    ['nothing', async ({ netnsName }: Sandbox) => command('ip', ['netns', 'delete', netnsName])],
    ['a plain file', async ({ netns }: Sandbox) => command('umount', [netns])],
  ])('when %s is at its path, and only a process has its namespace', async (_, unmount) => {
    const { older, newer, nic } = await podWithTwo();
    await mustAdd(newer, 'net1', ovnConfig());
    const process = spawn('nsenter', [`--net=${newer.netns}`, 'sh', '-c', 'echo; exec cat']);
    await once(process.stdout, 'data');
    await unmount(newer);
    await expectTraces(fixture, newer, WHOLE);
    await mustAdd(older, 'net1', ovnConfig());
    expect(await isHolder(older, nic)).toBe(true);
    expect(await canPing(older, GATEWAY)).toBe(true);
    process.stdin.end();
    await once(process, 'exit');
  });
});

/** Until where the ADD of an older sandbox comes, when that of a newer one arrives. */
const STAGES: Readonly<Record<string, () => Promise<Stage>>> = {
  'has no address yet': async () => {
    const { name, v4, mac } = fixture.next();
    const pod = fixture.cluster.createPod(name);
    const nic = { provider: ATTACHNET, subnet: fixture.attachnet, ip: v4, mac, more: LIMITS };
    const pair = await makePair(pod);
    const tapped = ovnConfig({ server_socket: TAP });
    const add = await tap.passedOn(() => startAdd(pair.older, 'net1', tapped));
    return { ...pair, nic, add };
  },
  'waits for its flows': async () => {
    const { name, v4, mac } = fixture.next();
    const pod = fixture.cluster.createPod(name);
    const nic = { provider: ATTACHNET, subnet: fixture.attachnet, ip: v4, mac, more: LIMITS };
    const pair = await makePair(pod);
    fixture.cluster.writeIp(pod, nic);
    fixture.cluster.annotate(pod, allocationAnnotations(nic));
    const add = await startAdd(pair.older, 'net1', ovnConfig());
    await portAppears(hostName(pair.older, 'net1'));
    return { ...pair, nic, add };
  },
};
interface Stage {
  readonly older: Sandbox;
  readonly newer: Sandbox;
  readonly nic: NicPlan;
  readonly add: RunningCall;
}

describe.each(Object.keys(STAGES))('an older ADD that %s', (stage) => {
  test('ends at once when that of a newer sandbox comes, which goes on', async () => {
    const { older, newer, nic, add } = await (STAGES[stage] as () => Promise<Stage>)();
    const startedMs = performance.now();
    const later = await startAdd(newer, 'net1', ovnConfig());
    expectSuperseded(await add.outcome, newer);
    expect(performance.now() - startedMs).toBeLessThan(QUICK_MS);
    await expectTraces(fixture, older, NONE);
    await fixture.cluster.allocate(newer.pod, nic);
    const { exitCode, stdout } = await later.outcome;
    expect(exitCode, stdout).toBe(0);
    await expectTraces(fixture, newer, WHOLE);
    expect(await isHolder(newer, nic)).toBe(true);
    expect(await canPing(newer, GATEWAY)).toBe(true);
  });

  test('has its DEL beside that of the newer one', async () => {
    const { older, newer, nic, add } = await (STAGES[stage] as () => Promise<Stage>)();
    const later = await startAdd(newer, 'net1', ovnConfig());
    await mustDelete(older, 'net1', ovnConfig());
    expect((await add.outcome).exitCode).toBe(1);
    await expectTraces(fixture, older, NONE);
    await fixture.cluster.allocate(newer.pod, nic);
    expect((await later.outcome).exitCode).toBe(0);
    expect(await isHolder(newer, nic)).toBe(true);
  });

  test('is refused at once when it comes again while that of the newer one runs', async () => {
    const { older, newer, nic, add } = await (STAGES[stage] as () => Promise<Stage>)();
    const later = await startAdd(newer, 'net1', ovnConfig());
    await add.outcome;
    const again = await cni('ADD', older, 'net1', ovnConfig());
    expectSuperseded(again, newer);
    expect(again.ms).toBeLessThan(QUICK_MS);
    await fixture.cluster.allocate(newer.pod, nic);
    expect((await later.outcome).exitCode).toBe(0);
    expect(await isHolder(newer, nic)).toBe(true);
  });
});

describe('each interface of the two is for itself', () => {
  test('eth0 and net1', async () => {
    const { mac } = fixture.next();
    const eth0: NicPlan = { provider: 'ovn', subnet: primary, ip: '10.16.0.9', mac, more: LIMITS };
    const { older, newer, nic } = await podWithTwo((attached) => [eth0, attached]);
    const configs = { eth0: ovnConfig({ provider: '' }), net1: ovnConfig() };
    await mustAdd(older, 'eth0', configs.eth0);
    await mustAdd(newer, 'net1', configs.net1);
    expect(await isHolder(older, eth0)).toBe(true);
    expectSuperseded(await cni('ADD', older, 'net1', configs.net1), newer);
    await mustAdd(newer, 'eth0', configs.eth0);
    expectSuperseded(await cni('ADD', older, 'eth0', configs.eth0), newer);
    for (const each of [eth0, nic]) expect(await isHolder(newer, each)).toBe(true);
    await mustDelete(older, 'eth0', configs.eth0);
    expect(await canPing(newer, '10.16.0.1', 'eth0')).toBe(true);
    expect(await canPing(newer, GATEWAY, 'net1')).toBe(true);
  });

  test('two interfaces on one network', async () => {
    const { v4, mac } = fixture.next();
    const nics: NicPlan[] = [];
    const { older, newer } = await podWithTwo((nic) => {
      nics.push({ ...nic, ifName: 'net1' }, { ...nic, ifName: 'net2', ip: v4, mac });
      return nics;
    });
    const [net1, net2] = nics as [NicPlan, NicPlan];
    for (const ifName of ['net1', 'net2']) await mustAdd(older, ifName, ovnConfig());
    await mustAdd(newer, 'net2', ovnConfig());
    expect(await isHolder(older, net1)).toBe(true);
    expect(await isHolder(newer, net2)).toBe(true);
    expect(await canPing(older, GATEWAY, 'net1')).toBe(true);
    await mustDelete(older, 'net2', ovnConfig());
    await mustAdd(newer, 'net1', ovnConfig());
    await mustDelete(older, 'net1', ovnConfig());
    for (const nic of [net1, net2]) expect(await isHolder(newer, nic)).toBe(true);
    for (const ifName of ['net1', 'net2']) {
      expect(await canPing(newer, GATEWAY, ifName)).toBe(true);
    }
  });
});

describe('20 pods with two sandboxes each, whose ADDs come at once', () => {
  test.each([
    ['the older first', false],
    ['the newer first', true],
  ])('%s: the newer has the logical switch port, always', async (_, isNewerFirst) => {
    const pods: Awaited<ReturnType<typeof podWithTwo>>[] = [];
    for (let number = 0; number < 20; number += 1) pods.push(await podWithTwo());
    const outcomes = await Promise.all(
      pods.map(async ({ older, newer }) => {
        const order = isNewerFirst ? [newer, older] : [older, newer];
        const adds = order.map((sandbox) => cni('ADD', sandbox, 'net1', ovnConfig()));
        const [first, second] = await Promise.all(adds);
        return isNewerFirst ? { newer: first, older: second } : { newer: second, older: first };
      }),
    );
    const rows = await rowsOf(fixture.node, 'Interface');
    const ownersOf = (nic: NicPlan, { pod }: Sandbox) =>
      rows
        .filter(({ external_ids }) => external_ids['iface-id'] === portName(pod, nic))
        .map(({ external_ids }) => external_ids.container_id);
    for (const [index, { newer, nic }] of pods.entries()) {
      const outcome = outcomes[index];
      expect(outcome?.newer?.exitCode, outcome?.newer?.stdout).toBe(0);
      if (outcome?.older?.exitCode !== 0) expectSuperseded(outcome?.older as CniOutcome);
      expect(ownersOf(nic, newer)).toEqual([newer.containerId]);
    }
    const newers = pods.map(({ newer }) => newer);
    const pings = () => Promise.all(newers.map((newer) => canPing(newer, GATEWAY)));
    expect(await pings()).toEqual(newers.map(() => true));
    await Promise.all(pods.map(({ older }) => mustDelete(older, 'net1', ovnConfig())));
    for (const { older, newer } of pods) {
      await expectTraces(fixture, older, NONE);
      await expectTraces(fixture, newer, WHOLE);
    }
    expect(await pings()).toEqual(newers.map(() => true));
    await Promise.all(newers.map((newer) => mustDelete(newer, 'net1', ovnConfig())));
  });
});
