/** GC: the runtime's list counts for its own network, and nothing that lives is lost. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { allocationAnnotations } from '../lab/cluster.ts';
import { command } from '../lab/command.ts';
import { SOCKET } from '../lab/daemon.ts';
import { callRaw, requestFields } from '../lab/raw-http.ts';
import {
  type CniOutcome,
  cni,
  createSandbox,
  deleteSandbox,
  type Sandbox,
} from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import {
  addAsGo,
  expectRemoval,
  expectTraces,
  hasLink,
  LIMITS,
  limitedPod,
  type MadePod,
  NONE,
  removalsOf,
  tracesOf,
  WHOLE,
} from './garbage-support.ts';
import {
  type Census,
  canPing,
  census,
  expectNode,
  hostName,
  interfaceRow,
  mustAdd,
  mustDelete,
  portAppears,
  startAdd,
} from './observe.ts';

const GATEWAY = '172.17.0.1';
/** Name of the network that the lab's configurations have. */
const NETWORK = 'net';
const SECOND = 'second.default.ovn';

let fixture: Fixture;
let before: Census;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.cluster.createSubnet({
    name: 'second',
    provider: SECOND,
    cidrBlock: '172.18.0.0/16',
    gateway: '172.18.0.1',
  });
  before = await census(fixture.node);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** What a test made; it goes after the test, with DELs as a runtime sends them. */
let made: { sandbox: Sandbox; config: ReturnType<typeof ovnConfig> }[];
beforeEach(() => {
  made = [];
});
afterEach(async () => {
  for (const { sandbox, config } of made) {
    await mustDelete(sandbox, 'net1', config);
    await deleteSandbox(sandbox);
  }
  await expectNode(fixture.node, before);
});

async function addNic(config = ovnConfig()): Promise<MadePod> {
  const pod = await limitedPod(fixture, config);
  made.push({ sandbox: pod.sandbox, config });
  return pod;
}

interface Key {
  readonly containerId: string;
  readonly ifName: string;
}
const keyOf = ({ sandbox }: MadePod): Key => ({
  containerId: sandbox.containerId,
  ifName: 'net1',
});

/** Sends what an executable sends. */
function post(fields: object) {
  const body = { cni_type: 'kube-ovn', provider: ATTACHNET, network: NETWORK, ...fields };
  return callRaw(SOCKET, { path: '/api/v1/gc', body: JSON.stringify(body) });
}

const asFields = (keys: readonly Key[]) => ({
  valid_attachments: keys.map(({ containerId, ifName }) => ({
    container_id: containerId,
    if_name: ifName,
  })),
});

/** GC of a network with this list; it must succeed. */
async function collect(keys: readonly Key[], fields: object = {}): Promise<void> {
  const { status, text } = await post({ ...asFields(keys), ...fields });
  expect({ status, text }).toEqual({ status: 204, text: '' });
}

/** GC by the executable, as a runtime runs it: about a network, with no word of a pod. */
function runExecutable(more: object): Promise<CniOutcome> {
  const none = { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: undefined };
  const nobody: Sandbox = {
    containerId: '',
    netns: '',
    netnsName: '',
    pod: { namespace: '', name: '', uid: '' },
  };
  const config = ovnConfig({ cniVersion: '1.1.0', ...more });
  return cni('GC', nobody, '', config, { ...none, CNI_ARGS: undefined });
}

const asList = (keys: readonly Key[]) => ({
  'cni.dev/valid-attachments': keys.map(({ containerId, ifName }) => ({
    containerID: containerId,
    ifname: ifName,
  })),
});

async function collectByExecutable(keys: readonly Key[]): Promise<void> {
  const { exitCode, stdout } = await runExecutable(asList(keys));
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
}

/** What the log says of a removal by a list of so many. */
const proofOf = (count: number) =>
  `it is none of the ${count} attachments of network ${NETWORK} (${ATTACHNET}) that the runtime calls valid`;

describe.each([
  ["over the daemon's socket", collect],
  ['by the executable', collectByExecutable],
])('a list of valid attachments, %s,', (_, run) => {
  test('keeps them, and port, limits and veth pair of the others go', async () => {
    const [kept, alsoKept, lost, alsoLost] = [
      await addNic(),
      await addNic(),
      await addNic(),
      await addNic(),
    ];
    await run([keyOf(kept), keyOf(alsoKept)]);
    for (const { sandbox } of [kept, alsoKept]) {
      await expectTraces(fixture, sandbox, WHOLE);
      expect(await canPing(sandbox, GATEWAY)).toBe(true);
      expect(removalsOf(fixture, sandbox)).toEqual([]);
    }
    for (const { sandbox } of [lost, alsoLost]) {
      await expectTraces(fixture, sandbox, NONE);
      await expectRemoval(fixture, sandbox, { proof: proofOf(2) });
    }
  });

  test('may be empty: all of the network goes, and it may be said again', async () => {
    const pods = [await addNic(), await addNic()];
    for (const _again of [1, 2]) {
      await run([]);
      for (const { sandbox } of pods) await expectTraces(fixture, sandbox, NONE);
    }
    for (const { sandbox } of pods) await expectRemoval(fixture, sandbox, { proof: proofOf(0) });
  });

  test('may name what is not here', async () => {
    const pod = await addNic();
    await run([keyOf(pod), { containerId: 'elsewhere', ifName: 'net1' }]);
    await expectTraces(fixture, pod.sandbox, WHOLE);
  });

  test('tells the interfaces of one sandbox apart', async () => {
    const pod = await addNic();
    await run([{ containerId: pod.sandbox.containerId, ifName: 'net2' }]);
    await expectTraces(fixture, pod.sandbox, NONE);
  });
});

describe('without a list', () => {
  test('nothing that lives is removed, by either', async () => {
    const { sandbox } = await addNic();
    expect(await post({})).toMatchObject({ status: 204 });
    expect(await runExecutable({})).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await runExecutable({ 'cni.dev/valid-attachments': null })).toMatchObject({
      exitCode: 0,
    });
    await expectTraces(fixture, sandbox, WHOLE);
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
  });

  test.each(['', 'not a name', '../net'])('of the network %j neither', async (network) => {
    const { sandbox } = await fixture.pod();
    const body = JSON.stringify({ ...requestFields(sandbox, ATTACHNET), network });
    expect(await callRaw(SOCKET, { path: '/api/v1/add', body })).toMatchObject({ status: 200 });
    made.push({ sandbox, config: ovnConfig() });
    await collect([], { network });
    expect(await interfaceRow(fixture.node, hostName(sandbox, 'net1'))).toBeDefined();
  });
});

test.each([
  ['a container id that can be none', { containerId: '../x', ifName: 'net1' }],
  ['no container id', { containerId: '', ifName: 'net1' }],
  ['an interface name that can be none', { containerId: 'c1', ifName: 'a/b' }],
  ['no interface name', { containerId: 'c1', ifName: '' }],
])('a list with %s is refused as a whole, by both', async (_, wrong) => {
  const [named, unnamed] = [await addNic(), await addNic()];
  const keys = [keyOf(named), wrong];
  const { status, text } = await post(asFields(keys));
  expect(status).toBe(400);
  expect(JSON.parse(text).cni_error).toMatchObject({ code: 7 });
  expect(JSON.parse(text).cni_error.msg).toContain('cni.dev/valid-attachments[1]');
  const { exitCode, result } = await runExecutable(asList(keys));
  expect(exitCode).toBe(1);
  expect(result).toMatchObject({ code: 7 });
  for (const { sandbox } of [named, unnamed]) await expectTraces(fixture, sandbox, WHOLE);
});

test.each([
  ['no array', { valid_attachments: {} }],
  ['an array of words', { valid_attachments: ['c1'] }],
  ['an element without a field', { valid_attachments: [{ container_id: 'c1' }] }],
  ['null', { valid_attachments: null }],
])('a body whose list is %s is refused', async (_, fields) => {
  const { sandbox } = await addNic();
  const { status, text } = await post(fields);
  expect(status).toBe(400);
  expect(JSON.parse(text).cni_error).toMatchObject({ code: 7 });
  await expectTraces(fixture, sandbox, WHOLE);
});

describe('a network is not touched by the list', () => {
  test('of another one, by its name or by its provider', async () => {
    const { sandbox } = await addNic();
    await collect([], { network: 'other' });
    await collect([], { network: 'ne' });
    await collect([], { provider: SECOND });
    await collect([], { provider: 'ovn' });
    await expectTraces(fixture, sandbox, WHOLE);
  });

  test('and its own list does not touch the others', async () => {
    const named = await addNic(ovnConfig({ name: 'other' }));
    const { name, mac } = fixture.next();
    const pod = fixture.cluster.createPod(name);
    const subnet = { ...fixture.attachnet, name: 'second', provider: SECOND };
    const plan = { cidrBlock: '172.18.0.0/16', gateway: '172.18.0.1' };
    const nic = { provider: SECOND, subnet: { ...subnet, ...plan }, ip: '172.18.0.9', mac };
    await fixture.cluster.allocate(pod, nic);
    const sandbox = await createSandbox(pod);
    const config = ovnConfig({ provider: SECOND });
    await mustAdd(sandbox, 'net1', config);
    made.push({ sandbox, config });
    await collect([]);
    await expectTraces(fixture, named.sandbox, WHOLE);
    expect(await tracesOf(fixture.node, sandbox)).toEqual({ ...NONE, rows: 1, links: 1 });
  });

  test('where another plugin made its interfaces, for which addresses were asked', async () => {
    const { sandbox } = await addNic();
    await collect([], { cni_type: 'macvlan' });
    await collect([], { cni_type: 'macvlan', provider: 'macvlan.default' });
    await expectTraces(fixture, sandbox, WHOLE);
  });
});

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
    const { sandbox } = await addNic();
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
  const { sandbox } = await addNic();
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
    made.push({ sandbox, config: ovnConfig() });
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
  });
});

test('an ADD that runs is not disturbed by a list that lacks it', async () => {
  const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
  fixture.cluster.writeIp(pod, nic);
  fixture.cluster.annotate(pod, allocationAnnotations({ ...nic, more: LIMITS }));
  const add = await startAdd(sandbox, 'net1', ovnConfig());
  await portAppears(hostName(sandbox, 'net1'));
  await collect([]);
  await expectTraces(fixture, sandbox, WHOLE);
  await fixture.cluster.allocate(pod, nic);
  const { exitCode, stdout } = await add.outcome;
  expect(exitCode, stdout).toBe(0);
  made.push({ sandbox, config: ovnConfig() });
  expect(await canPing(sandbox, GATEWAY)).toBe(true);
});

test('a GC says what it could not remove, and the next one removes it', async () => {
  const { sandbox } = await addNic();
  await fixture.node.killPart('ovsdb-server');
  const { exitCode, result } = await runExecutable(asList([]));
  await fixture.node.startPart('ovsdb-server');
  expect(exitCode).toBe(1);
  expect(result).toMatchObject({ code: 11 });
  expect(result?.msg).toContain(`cannot find port ${hostName(sandbox, 'net1')}`);
  await expectTraces(fixture, sandbox, WHOLE);
  await collect([]);
  await expectTraces(fixture, sandbox, NONE);
});
