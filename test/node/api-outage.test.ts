/** The API server goes away: pods that are known go on, and new ones come after it is back. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { SOCKET } from '../lab/daemon.ts';
import type { RequestVerb } from '../lab/kubernetes/requests.ts';
import { requestFields, sendRaw } from '../lab/raw-http.ts';
import { type CniOutcome, cni, createSandbox, type Sandbox } from '../lab/runtime.ts';
import { podLink } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { expectError } from './refusal.ts';

/** Followed by watch: the pods of this node, Subnets, and the node itself. */
const COLLECTIONS = [
  '/api/v1/pods',
  '/apis/kubeovn.io/v1/subnets',
  '/apis/kubeovn.io/v1/ips',
  '/api/v1/nodes',
] as const;
const LOST = 'lost touch with the API server';
const BACK = 'back in touch with the API server';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());
// Pauses between attempts grow from one outage to the next: each test has a daemon of its own.
beforeEach(async () => {
  const watching = attempts(1, 'watch');
  await fixture.restartDaemon(['--add-timeout-seconds=20']);
  await watching;
});
afterEach(() => {
  fixture.api.faults.failAll(undefined);
  fixture.api.resume();
});

/** A pod that the daemon knows: its ADD and DEL worked. */
async function knownPod(): Promise<Sandbox> {
  const { sandbox } = await fixture.pod();
  await expectAddAndDel(sandbox);
  return sandbox;
}

async function expectAddAndDel(sandbox: Sandbox): Promise<void> {
  await expectAdd(sandbox);
  const { exitCode, stdout } = await cni('DEL', sandbox, 'net1', ovnConfig());
  expect(exitCode, stdout).toBe(0);
  expect(await podLink(sandbox, 'net1')).toBeUndefined();
}

async function expectAdd(sandbox: Sandbox): Promise<void> {
  const { exitCode, stdout } = await cni('ADD', sandbox, 'net1', ovnConfig());
  expect(exitCode, stdout).toBe(0);
  expect(await podLink(sandbox, 'net1')).toMatchObject({ operstate: 'UP' });
}

/** So many requests for each collection from now on. */
function attempts(count: number, verb?: RequestVerb): Promise<unknown> {
  const { requests } = fixture.api;
  const matches = COLLECTIONS.map((path) => (verb === undefined ? { path } : { path, verb }));
  return Promise.all(
    matches.map((match) => requests.waitFor(match, requests.count(match) + count)),
  );
}

/** Breaks every connection, and whatever is asked then fails with `status`. */
async function refuseAll(status: number): Promise<void> {
  const { api } = fixture;
  api.faults.failAll(status);
  const first = attempts(1);
  api.resetConnections();
  await first;
}

test('watches that are reset are opened again, and a new pod arrives', async () => {
  const { api } = fixture;
  for (const _ of [1, 2, 3]) {
    const again = attempts(1);
    api.resetConnections();
    await again;
  }
  const { sandbox } = await fixture.pod();
  await expectAddAndDel(sandbox);
});

test('while the API server answers 503, known pods come and go; afterwards new ones do', async () => {
  const { api, daemon } = fixture;
  const known = await knownPod();
  const lines = daemon.log.length;
  await refuseAll(503);
  await expectAddAndDel(known);
  const { sandbox } = await fixture.pod();
  const adding = cni('ADD', sandbox, 'net1', ovnConfig());
  await attempts(2);
  expect(await podLink(sandbox, 'net1')).toBeUndefined();
  expect(daemon.logLines(LOST)).toHaveLength(1);
  // Watches, events, IP objects and the chassis may each be cut off, and each says so once.
  const said = daemon.log.slice(lines).map((line): unknown => JSON.parse(line).msg);
  expect(said).toEqual([...new Set(said)]);

  api.faults.failAll(undefined);
  const { exitCode, stdout } = await adding;
  expect(exitCode, stdout).toBe(0);
  await daemon.logged(BACK);
});

test('after 410 the daemon lists again: an ADD for a pod that is gone ends, a new pod is there', async () => {
  const { api, cluster } = fixture;
  const { sandbox: deleted } = await fixture.pod({ nic: () => undefined });
  // Pods arrive in order: when this one is known, so is the one before.
  await knownPod();
  const body = JSON.stringify(requestFields(deleted, ATTACHNET));
  const { answer } = await sendRaw(SOCKET, { path: '/api/v1/add', body });
  await refuseAll(503);
  await cluster.deletePod(deleted.pod);
  const { sandbox } = await fixture.pod();
  api.compact();
  const lists = { verb: 'list', path: COLLECTIONS[0] } as const;
  const listed = api.requests.waitFor(lists, api.requests.count(lists) + 1);
  api.faults.failAll(undefined);
  await listed;
  await expectAddAndDel(sandbox);
  expect(JSON.parse((await answer).text)).toMatchObject({
    error: expect.stringContaining(`pod default/${deleted.pod.name} was deleted`),
    cni_error: { code: 100 },
  });
});

test('a pod that was replaced during the outage is another one: its old sandbox gets no interface', async () => {
  const { api, cluster } = fixture;
  const { sandbox: old, nic } = await fixture.pod();
  await expectAddAndDel(old);
  await refuseAll(503);
  await cluster.deletePod(old.pod, [nic]);
  const pod = cluster.createPod(old.pod.name);
  await cluster.allocate(pod, nic);
  api.faults.failAll(undefined);
  await expectAddAndDel(await createSandbox(pod));
  expectError(await cni('ADD', old, 'net1', ovnConfig()), {
    code: 100,
    says: [`pod default/${old.pod.name} was replaced`],
  });
});

test('while the API server is silent, known pods come and go; with new connections new ones do', async () => {
  const { api } = fixture;
  const known = await knownPod();
  api.silence();
  await expectAddAndDel(known);
  const { sandbox } = await fixture.pod();
  const adding = cni('ADD', sandbox, 'net1', ovnConfig());
  api.resume();
  // The watches of before are mute for good: what ends them is the network, or a time limit.
  api.resetConnections();
  const { exitCode, stdout } = await adding;
  expect(exitCode, stdout).toBe(0);
});

test("while nothing listens at the API server's address, known pods come and go", async () => {
  const { api, daemon } = fixture;
  const known = await knownPod();
  await api.close();
  await daemon.logged(LOST);
  await expectAddAndDel(known);
  await expectAddAndDel(known);
  await api.start();
  const { sandbox } = await fixture.pod();
  await expectAddAndDel(sandbox);
});

test('a daemon that starts before the API server waits, says for what, and then works', async () => {
  const { api } = fixture;
  const { sandbox } = await fixture.pod();
  await api.close();
  await fixture.restartDaemon(['--add-timeout-seconds=1']);
  const early: CniOutcome = await cni('ADD', sandbox, 'net1', ovnConfig());
  expectError(early, { code: 11, says: ['waited 1 s for the first list', 'API server'] });
  expect((await cni('DEL', sandbox, 'net1', ovnConfig())).exitCode).toBe(0);

  await fixture.restartDaemon(['--add-timeout-seconds=20']);
  await fixture.daemon.logged(LOST);
  const adding = cni('ADD', sandbox, 'net1', ovnConfig());
  await api.start();
  const { exitCode, stdout } = await adding;
  expect(exitCode, stdout).toBe(0);
  await fixture.daemon.logged(BACK);
  expect(fixture.daemon.logLines(LOST)).toHaveLength(1);
});

test('an event that nobody can read does not end the watch', async () => {
  const { api, cluster } = fixture;
  api.watches.sendLine('{"type":"MODIFIED","object":{"metadata":null}}');
  const odd = cluster.createPod(fixture.next().name, { 'ovn.kubernetes.io/ip_address': ',,' });
  api.patch('Pod', `default/${odd.name}`, { metadata: { annotations: null } });
  const { sandbox } = await fixture.pod();
  await expectAddAndDel(sandbox);
});
