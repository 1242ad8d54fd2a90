/** DELs without a daemon: they succeed, and the next daemon does them before anything else. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SOCKET } from '../lab/daemon.ts';
import { callRaw } from '../lab/raw-http.ts';
import { cni, deleteSandbox, type Sandbox } from '../lab/runtime.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import {
  expectGone,
  expectTraces,
  limitedPod,
  type MadePod,
  NONE,
  WHOLE,
} from './garbage-support.ts';
import {
  type Census,
  canPing,
  census,
  expectNode,
  hostName,
  mustAdd,
  mustDelete,
  startAdd,
} from './observe.ts';

const DIRECTORY = `${SOCKET}.deletions`;
const GATEWAY = '172.17.0.1';
/** The executable gives a DEL 20 s. */
const DEL_MS_MAX = 25_000;

let fixture: Fixture;
let before: Census;
beforeAll(async () => {
  fixture = await Fixture.start();
  before = await census(fixture.node);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Sandboxes of a test. They live until its end: nothing but a DEL removes their interfaces. */
let living: Sandbox[];
beforeEach(() => {
  living = [];
});
afterEach(async () => {
  await Promise.all(living.map((sandbox) => mustDelete(sandbox, 'net1', ovnConfig())));
  await Promise.all(living.map(deleteSandbox));
  await expectNode(fixture.node, before);
  expect(await readdir(DIRECTORY)).toEqual([]);
});

async function addPod(): Promise<MadePod> {
  const made = await limitedPod(fixture);
  living.push(made.sandbox);
  return made;
}

async function addPods(count: number): Promise<Sandbox[]> {
  const made = await Promise.all(Array.from({ length: count }, addPod));
  return made.map(({ sandbox }) => sandbox);
}

const recordOf = ({ containerId }: Sandbox, ifName = 'net1') =>
  `${createHash('sha256').update(`${containerId}/${ifName}`).digest('hex')}.json`;

/** Ends the daemon as the kernel does that is out of memory. */
const killDaemon = () => fixture.daemon.stop('SIGKILL');
const startDaemon = () => fixture.restartDaemon([]);

/** DELs while no daemon answers; their interfaces stay for now. */
async function recordDeletions(sandboxes: readonly Sandbox[]): Promise<void> {
  const now = await census(fixture.node);
  await Promise.all(sandboxes.map((sandbox) => mustDelete(sandbox, 'net1', ovnConfig())));
  await expectNode(fixture.node, now);
  expect(await readdir(DIRECTORY)).toHaveLength(sandboxes.length);
}

/** Nothing is left of any of them. */
async function expectAllGone(sandboxes: readonly Sandbox[]): Promise<void> {
  const state = JSON.stringify(await census(fixture.node));
  const left = sandboxes.filter(
    (sandbox) =>
      state.includes(sandbox.containerId) || state.includes(`"${hostName(sandbox, 'net1')}"`),
  );
  expect(left).toEqual([]);
}

describe('a DEL while the daemon is away', () => {
  test('succeeds, and leaves a record that root alone can read', async () => {
    const { sandbox, pod } = await addPod();
    await killDaemon();
    await mustDelete(sandbox, 'net1', ovnConfig());
    await mustDelete(sandbox, 'net1', ovnConfig());
    expect(await readdir(DIRECTORY)).toEqual([recordOf(sandbox)]);
    const path = `${DIRECTORY}/${recordOf(sandbox)}`;
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      cni_type: 'kube-ovn',
      container_id: sandbox.containerId,
      if_name: 'net1',
      pod_name: pod.name,
    });
    expect((await stat(DIRECTORY)).mode & 0o777).toBe(0o700);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await startDaemon();
    await expectGone(fixture, sandbox);
    await expect.poll(() => readdir(DIRECTORY)).toEqual([]);
    await fixture.daemon.logged('DEL done that was recorded');
  });

  test('of a namespace that is gone is no different', async () => {
    const { sandbox } = await limitedPod(fixture);
    await killDaemon();
    await deleteSandbox(sandbox);
    await mustDelete(sandbox, 'net1', ovnConfig(), { CNI_NETNS: '' });
    await startDaemon();
    await expectGone(fixture, sandbox);
    await expect.poll(() => readdir(DIRECTORY)).toEqual([]);
  });

  test('of addresses alone leaves no record: there is nothing to do', async () => {
    const { sandbox } = await addPod();
    await killDaemon();
    const ipam = { type: 'kube-ovn', server_socket: SOCKET, provider: 'macvlan.default' };
    const config = { cniVersion: '1.0.0', type: 'macvlan', ipam };
    const { exitCode } = await cni('DEL', sandbox, 'net1', config, {}, {}, 'kube-ovn');
    expect(exitCode).toBe(0);
    expect(await readdir(DIRECTORY)).toEqual([]);
    await startDaemon();
  });

  test('leaves no record where a daemon does it', async () => {
    const { sandbox } = await addPod();
    await mustDelete(sandbox, 'net1', ovnConfig());
    await expectTraces(fixture, sandbox, NONE);
    expect(await readdir(DIRECTORY)).toEqual([]);
  });
});

describe('the next daemon', () => {
  test('does 50 DELs, and an ADD of another interface does not wait for them', async () => {
    const sandboxes = await addPods(50);
    await killDaemon();
    await recordDeletions(sandboxes);
    const { sandbox } = await fixture.pod();
    living.push(sandbox);
    const add = await startAdd(sandbox, 'net1', ovnConfig());
    const startedMs = performance.now();
    await startDaemon();
    const { exitCode, stdout } = await add.outcome;
    console.log(`50 DELs and an ADD: ${Math.round(performance.now() - startedMs)} ms`);
    expect(exitCode, stdout).toBe(0);
    await expect.poll(() => readdir(DIRECTORY), { timeout: 60_000 }).toEqual([]);
    await expectAllGone(sandboxes);
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
  });

  test('does not undo an ADD of the same interface that comes after the DEL', async () => {
    const { sandbox } = await addPod();
    await killDaemon();
    await recordDeletions([sandbox]);
    const add = await startAdd(sandbox, 'net1', ovnConfig());
    await startDaemon();
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
    expect(await readdir(DIRECTORY)).toEqual([]);
    await expectTraces(fixture, sandbox, WHOLE);
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
  });

  test('that is killed while it is at them leaves the rest to the one after it', async () => {
    const sandboxes = await addPods(12);
    await killDaemon();
    await recordDeletions(sandboxes);
    await startDaemon();
    await fixture.daemon.logged('DEL done that was recorded');
    await killDaemon();
    expect((await readdir(DIRECTORY)).length).toBeGreaterThan(0);
    await startDaemon();
    await expect.poll(() => readdir(DIRECTORY), { timeout: 60_000 }).toEqual([]);
    await expectAllGone(sandboxes);
    expect(fixture.daemon.logLines('set aside')).toEqual([]);
  });

  test('refuses a directory that others have access to, and says what to do', async () => {
    await killDaemon();
    await chmod(DIRECTORY, 0o755);
    await expect(startDaemon()).rejects.toThrow(/ended with 1: .*mode 0700.*move it away/);
    await chmod(DIRECTORY, 0o700);
    await startDaemon();
  });
});

test('what is no DEL is set aside and reported, and the others are done', async () => {
  const sandboxes = await addPods(3);
  await killDaemon();
  await recordDeletions(sandboxes);
  const digit = (character: string) => `${character.repeat(64)}.json`;
  const path = (name: string) => `${DIRECTORY}/${name}`;
  const [body = ''] = await Promise.all(
    sandboxes.slice(0, 1).map((sandbox) => readFile(path(recordOf(sandbox)), 'utf8')),
  );
  await writeFile(path(digit('a')), '{');
  await writeFile(path(digit('b')), JSON.stringify({ ...JSON.parse(body), container_id: '../x' }));
  await writeFile(path(digit('c')), 'x'.repeat(1024 * 1024));
  await mkdir(path(digit('d')));
  await symlink('/etc/passwd', path(digit('e')));
  const { sandbox } = await fixture.pod();
  living.push(sandbox);
  await startDaemon();
  await mustAdd(sandbox, 'net1', ovnConfig());
  await expectAllGone(sandboxes);
  const aside = ['a', 'b', 'c', 'd', 'e'].map((character) => `${digit(character)}.failed`);
  expect((await readdir(DIRECTORY)).sort()).toEqual(aside);
  await fixture.daemon.logged('cannot do a recorded DEL', aside.length);
  // They are not tried again.
  await fixture.restartDaemon([]);
  await mustDelete(sandbox, 'net1', ovnConfig());
  expect(fixture.daemon.logLines('cannot do a recorded DEL')).toEqual([]);
  await rm(DIRECTORY, { recursive: true });
  await mkdir(DIRECTORY, { mode: 0o700 });
});

describe('a daemon that hangs', () => {
  test('does not hold up a DEL for long, and does it when it goes on', async () => {
    const { sandbox } = await addPod();
    const { process } = fixture.daemon;
    process.kill('SIGSTOP');
    try {
      const { exitCode, stdout, ms } = await cni('DEL', sandbox, 'net1', ovnConfig());
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
      expect(ms).toBeLessThan(DEL_MS_MAX);
      expect(await readdir(DIRECTORY)).toEqual([recordOf(sandbox)]);
    } finally {
      process.kill('SIGCONT');
    }
    await expectGone(fixture, sandbox);
    await expect.poll(() => readdir(DIRECTORY)).toEqual([]);
    await mustAdd(sandbox, 'net1', ovnConfig());
    expect(await canPing(sandbox, GATEWAY)).toBe(true);
  });
});

describe('a daemon that starts while OVS is away', () => {
  test('does the DELs when OVS is back, and none fails for it', async () => {
    const sandboxes = await addPods(3);
    await killDaemon();
    await recordDeletions(sandboxes);
    await fixture.node.killPart('ovsdb-server');
    await startDaemon();
    const body = JSON.stringify({ cni_type: 'kube-ovn', provider: 'ovn' });
    const status = await callRaw(SOCKET, { path: '/api/v1/status', body });
    expect(JSON.parse(status.text).cni_error).toMatchObject({ code: 50 });
    const { sandbox } = await fixture.pod();
    living.push(sandbox);
    const add = await startAdd(sandbox, 'net1', ovnConfig());
    expect(await readdir(DIRECTORY)).toHaveLength(sandboxes.length);
    await fixture.node.startPart('ovsdb-server');
    const { exitCode, stdout } = await add.outcome;
    expect(exitCode, stdout).toBe(0);
    await expect.poll(() => readdir(DIRECTORY), { timeout: 60_000 }).toEqual([]);
    await expectAllGone(sandboxes);
    expect(fixture.daemon.logLines('set aside')).toEqual([]);
  });

  test('ends at once when it is told to, and the DELs stay recorded', async () => {
    const [sandbox] = (await addPods(1)) as [Sandbox];
    await killDaemon();
    await recordDeletions([sandbox]);
    await fixture.node.killPart('ovsdb-server');
    await startDaemon();
    await fixture.daemon.stop('SIGTERM');
    expect(fixture.daemon.process.exitCode).toBe(0);
    expect(await readdir(DIRECTORY)).toEqual([recordOf(sandbox)]);
    await fixture.node.startPart('ovsdb-server');
    await startDaemon();
    await expectGone(fixture, sandbox);
  });
});
