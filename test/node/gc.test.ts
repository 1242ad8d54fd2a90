/** GC: the runtime's list counts for its own network, and nothing that lives is lost. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { allocationAnnotations } from '../lab/cluster.ts';
import { SOCKET } from '../lab/daemon.ts';
import { callRaw, requestFields } from '../lab/raw-http.ts';
import { createSandbox } from '../lab/runtime.ts';
import { ATTACHNET, type Fixture, ovnConfig } from './fixture.ts';
import {
  expectRemoval,
  expectTraces,
  LIMITS,
  NONE,
  removalsOf,
  tracesOf,
  WHOLE,
} from './garbage-support.ts';
import {
  asFields,
  asList,
  collect,
  collectByExecutable,
  GATEWAY,
  GcNode,
  keyOf,
  post,
  proofOf,
  runExecutable,
  SECOND,
} from './gc-support.ts';
import { canPing, hostName, interfaceRow, mustAdd, portAppears, startAdd } from './observe.ts';

let gc: GcNode;
let fixture: Fixture;
beforeAll(async () => {
  gc = await GcNode.start();
  fixture = gc.fixture;
});
afterEach(() => gc.cleanUp());
afterAll(() => gc[Symbol.asyncDispose]());

describe.each([
  ["over the daemon's socket", collect],
  ['by the executable', collectByExecutable],
])('a list of valid attachments, %s,', (_, run) => {
  test('keeps them, and port, limits and veth pair of the others go', async () => {
    const [kept, alsoKept, lost, alsoLost] = [
      await gc.addNic(),
      await gc.addNic(),
      await gc.addNic(),
      await gc.addNic(),
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
    const pods = [await gc.addNic(), await gc.addNic()];
    for (const _again of [1, 2]) {
      await run([]);
      for (const { sandbox } of pods) await expectTraces(fixture, sandbox, NONE);
    }
    for (const { sandbox } of pods) await expectRemoval(fixture, sandbox, { proof: proofOf(0) });
  });

  test('may name what is not here', async () => {
    const pod = await gc.addNic();
    await run([keyOf(pod), { containerId: 'elsewhere', ifName: 'net1' }]);
    await expectTraces(fixture, pod.sandbox, WHOLE);
  });

  test('tells the interfaces of one sandbox apart', async () => {
    const pod = await gc.addNic();
    await run([{ containerId: pod.sandbox.containerId, ifName: 'net2' }]);
    await expectTraces(fixture, pod.sandbox, NONE);
  });
});

describe('without a list', () => {
  test('nothing that lives is removed, by either', async () => {
    const { sandbox } = await gc.addNic();
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
    gc.made(sandbox);
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
  const [named, unnamed] = [await gc.addNic(), await gc.addNic()];
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
  const { sandbox } = await gc.addNic();
  const { status, text } = await post(fields);
  expect(status).toBe(400);
  expect(JSON.parse(text).cni_error).toMatchObject({ code: 7 });
  await expectTraces(fixture, sandbox, WHOLE);
});

describe('a network is not touched by the list', () => {
  test('of another one, by its name or by its provider', async () => {
    const { sandbox } = await gc.addNic();
    await collect([], { network: 'other' });
    await collect([], { network: 'ne' });
    await collect([], { provider: SECOND });
    await collect([], { provider: 'ovn' });
    await expectTraces(fixture, sandbox, WHOLE);
  });

  test('and its own list does not touch the others', async () => {
    const named = await gc.addNic(ovnConfig({ name: 'other' }));
    const { name, mac } = fixture.next();
    const pod = fixture.cluster.createPod(name);
    const subnet = { ...fixture.attachnet, name: 'second', provider: SECOND };
    const plan = { cidrBlock: '172.18.0.0/16', gateway: '172.18.0.1' };
    const nic = { provider: SECOND, subnet: { ...subnet, ...plan }, ip: '172.18.0.9', mac };
    await fixture.cluster.allocate(pod, nic);
    const sandbox = await createSandbox(pod);
    const config = ovnConfig({ provider: SECOND });
    await mustAdd(sandbox, 'net1', config);
    gc.made(sandbox, config);
    await collect([]);
    await expectTraces(fixture, named.sandbox, WHOLE);
    expect(await tracesOf(fixture.node, sandbox)).toEqual({ ...NONE, rows: 1, links: 1 });
  });

  test('where another plugin made its interfaces, for which addresses were asked', async () => {
    const { sandbox } = await gc.addNic();
    await collect([], { cni_type: 'macvlan' });
    await collect([], { cni_type: 'macvlan', provider: 'macvlan.default' });
    await expectTraces(fixture, sandbox, WHOLE);
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
  gc.made(sandbox);
  expect(await canPing(sandbox, GATEWAY)).toBe(true);
});

test('a GC says what it could not remove, and the next one removes it', async () => {
  const { sandbox } = await gc.addNic();
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
