/**
 * The daemon is replaced by a newer one while pods run, come and go: what runs is not touched, and
 * every call has an outcome, of the old daemon or of the new one.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Daemon, SOCKET } from '../lab/daemon.ts';
import { Ping } from '../lab/ping.ts';
import { requestFields, sendRaw } from '../lab/raw-http.ts';
import { type CniOutcome, cni, type Sandbox } from '../lab/runtime.ts';
import { podAddresses } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, KUBECONFIG, ovnConfig } from './fixture.ts';
import {
  canPing,
  census,
  expectNode,
  interfacesOf,
  mustAdd,
  mustDelete,
  startAdd,
} from './observe.ts';

const FLAGS = ['--add-timeout-seconds=20'];

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(FLAGS);
});
afterAll(() => fixture[Symbol.asyncDispose]());

function startDaemon(): Promise<Daemon> {
  const nodeName = fixture.node.chassis;
  return Daemon.start({ kubeconfig: KUBECONFIG, nodeName, flags: FLAGS });
}

/** Sends SIGTERM, and resolves when no new call can reach the daemon. */
async function beginEnd(daemon: Daemon): Promise<{ ended: Promise<unknown[]> }> {
  const ended = once(daemon.process, 'exit');
  daemon.process.kill('SIGTERM');
  await expect.poll(() => existsSync(SOCKET), { interval: 5 }).toBe(false);
  return { ended };
}

async function sandboxes(count: number): Promise<Sandbox[]> {
  const made: Sandbox[] = [];
  for (let number = 0; number < count; number += 1) made.push((await fixture.pod()).sandbox);
  return made;
}

function add(sandbox: Sandbox): Promise<CniOutcome> {
  return cni('ADD', sandbox, 'net1', ovnConfig());
}

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'pods that run do not notice that the daemon ends by %s and another one starts',
  async (signal) => {
    const { node } = fixture;
    const { sandbox: other, nic } = await fixture.pod();
    const { sandbox } = await fixture.pod();
    await mustAdd(other, 'net1', ovnConfig());
    const prevResult = await mustAdd(sandbox, 'net1', ovnConfig());
    const before = await census(node);
    const ping = await Ping.start(sandbox, nic.ip);
    for (const _ of [1, 2, 3]) await fixture.restartDaemon(FLAGS, signal);
    const { exitCode, stdout } = await cni('CHECK', sandbox, 'net1', ovnConfig({ prevResult }));
    expect(exitCode, stdout).toBe(0);
    const { answered, lost } = await ping.stop();
    expect(lost).toEqual([]);
    // Three restarts of a few tenths of a second.
    expect(answered).toBeGreaterThan(10);
    // Rows with their UUIDs, links with their addresses.
    await expectNode(node, before);
    for (const one of [other, sandbox]) await mustDelete(one, 'net1', ovnConfig());
  },
);

test('calls that come while the daemon is replaced are done by one of the two', async () => {
  const { node } = fixture;
  const before = await census(node);
  const leaving = await sandboxes(15);
  const coming = await sandboxes(30);
  for (const sandbox of leaving) await mustAdd(sandbox, 'net1', ovnConfig());
  const old = fixture.daemon;
  const done = old.logLines('ADD done').length;

  const adding = coming.map(add);
  const deleting = leaving.map((sandbox) => cni('DEL', sandbox, 'net1', ovnConfig()));
  await old.logged('ADD done', done + 5);
  const { ended } = await beginEnd(old);
  const late = await sandboxes(3);
  const addingLate = late.map(add);
  fixture.daemon = await startDaemon();

  const outcomes = await Promise.all([...adding, ...addingLate]);
  for (const { exitCode, stdout } of await Promise.all(deleting)) expect(exitCode, stdout).toBe(0);
  expect(await ended).toEqual([0, null]);
  for (const sandbox of leaving) expect(await interfacesOf(node, sandbox)).toEqual([]);
  let failures = 0;
  for (const [index, sandbox] of [...coming, ...late].entries()) {
    const { exitCode, stdout, result } = outcomes[index] as CniOutcome;
    if (exitCode !== 0) {
      expect(result, stdout).toMatchObject({ code: 11 });
      expect(await interfacesOf(node, sandbox)).toEqual([]);
      await mustAdd(sandbox, 'net1', ovnConfig());
      failures += 1;
    }
    expect(await canPing(sandbox, '172.17.0.1')).toBe(true);
  }
  // Only one that has connected, and is not yet heard when all others are being served.
  expect(failures).toBeLessThanOrEqual(2);
  for (const sandbox of [...coming, ...late]) await mustDelete(sandbox, 'net1', ovnConfig());
  await expectNode(node, before);
});

test('without a daemon a DEL succeeds and an ADD waits; the next daemon does both', async () => {
  const { node } = fixture;
  const before = await census(node);
  const { sandbox } = await fixture.pod();
  const { sandbox: leaving } = await fixture.pod();
  await mustAdd(leaving, 'net1', ovnConfig());
  await fixture.daemon.stop();
  const adding = await startAdd(sandbox, 'net1', ovnConfig());
  await mustDelete(leaving, 'net1', ovnConfig());
  expect(await interfacesOf(node, leaving)).toHaveLength(1);
  fixture.daemon = await startDaemon();
  const { exitCode, stdout } = await adding.outcome;
  expect(exitCode, stdout).toBe(0);
  await mustDelete(sandbox, 'net1', ovnConfig());
  await expectNode(node, before);
});

test('a daemon that cannot do a recorded DEL ends all the same, and leaves it to the next', async () => {
  const { node } = fixture;
  const before = await census(node);
  const { sandbox } = await fixture.pod();
  await mustAdd(sandbox, 'net1', ovnConfig());
  await fixture.daemon.stop();
  await mustDelete(sandbox, 'net1', ovnConfig());
  await node.killPart('ovsdb-server');
  const stuck = await startDaemon();
  const startedMs = performance.now();
  await stuck.stop();
  // The kubelet kills it after 30 s.
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  expect(stuck.process.exitCode).toBe(0);
  await node.startPart('ovsdb-server');
  fixture.daemon = await startDaemon();
  await fixture.daemon.logged('DEL done that was recorded');
  await expectNode(node, before);
});

test('a daemon that ends late answers its last ADD, and leaves the socket to the next daemon', async () => {
  const { cluster } = fixture;
  const { pod, sandbox, nic } = await fixture.pod({ nic: () => undefined });
  const old = fixture.daemon;
  const body = JSON.stringify(requestFields(sandbox, ATTACHNET));
  const { answer } = await sendRaw(SOCKET, { path: '/api/v1/add', body });
  const { ended } = await beginEnd(old);
  fixture.daemon = await startDaemon();
  const { ino } = await stat(SOCKET);
  const { sandbox: other } = await fixture.pod();
  await mustAdd(other, 'net1', ovnConfig());
  expect(old.process.exitCode).toBeNull();

  await cluster.allocate(pod, nic);
  const { status, text } = await answer;
  expect(status, text).toBe(200);
  expect(await podAddresses(sandbox, 'net1')).toEqual([`${nic.ip}/16`]);
  expect(await ended).toEqual([0, null]);
  expect((await stat(SOCKET)).ino).toBe(ino);
  for (const one of [sandbox, other]) await mustDelete(one, 'net1', ovnConfig());
});

test('a daemon that starts too early is refused, and the one before goes on', async () => {
  const { ino } = await stat(SOCKET);
  const starts = Promise.allSettled([startDaemon(), startDaemon()]);
  const running = await sandboxes(5);
  await Promise.all(running.map((sandbox) => mustAdd(sandbox, 'net1', ovnConfig())));
  for (const start of await starts) {
    expect(start).toMatchObject({ status: 'rejected' });
    expect(String(Reflect.get(start, 'reason'))).toContain('another daemon is listening on');
  }
  expect((await stat(SOCKET)).ino).toBe(ino);
  await Promise.all(running.map((sandbox) => mustDelete(sandbox, 'net1', ovnConfig())));
});
