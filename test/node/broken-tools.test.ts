/**
 * Tools that hang, write without end or print what they never print: calls are answered in time and
 * say which tool it is, STATUS knows of it, and what a call has made goes when the tool is mended.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { STATUS_PATH } from '../../src/wire/paths.ts';
import { BrokenTools } from '../lab/broken-tools.ts';
import { SOCKET } from '../lab/daemon.ts';
import { callRaw } from '../lab/raw-http.ts';
import { type CniOutcome, cni, type Sandbox } from '../lab/runtime.ts';
import { nodeState, podLink } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';

const TIMEOUT_S = 10;
/** What a machine under load may take on top of a deadline; ms. */
const SLACK_MS = 6000;
const WRAPPED = ['ip', 'ovs-vsctl'];

let fixture: Fixture;
let tools: BrokenTools;
let before: unknown;
beforeAll(async () => {
  fixture = await Fixture.start();
  tools = await BrokenTools.install('/run/broken-tools', WRAPPED);
  const flags = [`--add-timeout-seconds=${TIMEOUT_S}`];
  await fixture.restartDaemon(flags, 'SIGTERM', { PATH: tools.path });
  before = await left();
});
afterAll(() => fixture[Symbol.asyncDispose]());

afterEach(async () => {
  for (const tool of WRAPPED) await tools.mend(tool);
  expect(fixture.daemon.process.exitCode).toBeNull();
});

/** What is on the node of ports and links; the sandboxes are the test's own. */
async function left(): Promise<object> {
  const { namespaces: _, ...rest } = await nodeState(fixture.node);
  return rest;
}

/** A call with the time it took. */
async function timed(call: Promise<CniOutcome>): Promise<CniOutcome & { ms: number }> {
  const startedAt = performance.now();
  const outcome = await call;
  return { ...outcome, ms: performance.now() - startedAt };
}

async function statusText(): Promise<string> {
  const body = JSON.stringify({ cni_type: 'kube-ovn', provider: ATTACHNET });
  const { status, text } = await callRaw(SOCKET, { path: STATUS_PATH, body });
  return status === 204 ? '' : JSON.parse(text).cni_error.msg;
}

const add = (sandbox: Sandbox) => timed(cni('ADD', sandbox, 'net1', ovnConfig()));
const del = (sandbox: Sandbox) => timed(cni('DEL', sandbox, 'net1', ovnConfig()));
const check = (sandbox: Sandbox, prevResult: unknown) =>
  timed(cni('CHECK', sandbox, 'net1', ovnConfig({ prevResult })));

async function worksAgain(sandbox: Sandbox): Promise<void> {
  await expect.poll(statusText, { timeout: 60_000, interval: 200 }).toBe('');
  const added = await add(sandbox);
  expect(added.exitCode, added.stdout).toBe(0);
  expect((await del(sandbox)).exitCode).toBe(0);
  expect(await left()).toEqual(before);
}

describe.each([
  ['ip', 'hang'],
  ['ip', 'commit-and-hang'],
  ['ip', 'flood'],
  ['ovs-vsctl', 'hang'],
  ['ovs-vsctl', 'commit-and-hang'],
  ['ovs-vsctl', 'flood'],
] as const)('%s that is broken by %s', (tool, how) => {
  test('an ADD is answered within its time, undo and all, with code 11 that names the tool', async () => {
    const { sandbox } = await fixture.pod();
    await tools.breakTool(tool, how);
    const { exitCode, result, ms } = await add(sandbox);
    expect(exitCode).toBe(1);
    expect(result?.code, result?.msg).toBe(11);
    expect(`${result?.msg} ${result?.details}`).toContain(tool === 'ip' ? 'ip ' : 'ovs');
    expect(ms).toBeLessThan(TIMEOUT_S * 1000 + SLACK_MS);

    const said = await statusText();
    expect(said).toContain(tool === 'ip' ? 'ip in a network namespace' : 'ovsdb-server does not');
    await tools.mend(tool);
    // What could not be undone carries its marks.
    expect((await del(sandbox)).exitCode).toBe(0);
    // The daemon may have been busy with hung tools for so long that the executable recorded it.
    await expect.poll(left, { timeout: 60_000, interval: 200 }).toEqual(before);
    expect(await podLink(sandbox, 'net1')).toBeUndefined();
    await worksAgain(sandbox);
  });

  test('a DEL is answered before the runtime gives up, and a later one finishes it', async () => {
    const { sandbox } = await fixture.pod();
    const added = await add(sandbox);
    expect(added.exitCode, added.stdout).toBe(0);
    await tools.breakTool(tool, how);
    const { ms } = await del(sandbox);
    expect(ms).toBeLessThan(20_000 + SLACK_MS);
    await tools.mend(tool);
    await expect
      .poll(async () => (await del(sandbox)).exitCode, { timeout: 60_000, interval: 200 })
      .toBe(0);
    // ovs-vswitchd gives br-int the MTU of what is left on it in its own time.
    await expect.poll(left, { timeout: 60_000, interval: 200 }).toEqual(before);
  });
});

test('STATUS names a tool that does not come back, and since when, until it does', async () => {
  const { sandbox } = await fixture.pod();
  await tools.breakTool('ip', 'hang');
  const startedAt = Date.now();
  const adding = add(sandbox);
  const named = () => /ip does not come back: it was started at (\S+Z)/.exec(said)?.[1];
  let said = '';
  await expect
    .poll(
      async () => {
        said = await statusText();
        return named();
      },
      { timeout: 60_000, interval: 200 },
    )
    .toBeDefined();
  const since = Date.parse(named() ?? '');
  expect(Math.abs(since - startedAt)).toBeLessThan(SLACK_MS);
  await adding;
  await tools.mend('ip');
  expect((await del(sandbox)).exitCode).toBe(0);
  await worksAgain(sandbox);
});

test('an ovs-vsctl that ends well and does nothing is told with code 11', async () => {
  const { sandbox } = await fixture.pod();
  const added = await add(sandbox);
  expect(added.exitCode, added.stdout).toBe(0);
  await tools.breakTool('ovs-vsctl', 'garbage');
  const { result } = await del(sandbox);
  expect(result?.code, JSON.stringify(result)).toBe(11);
  expect(result?.msg).toContain(
    'ovs-vsctl has ended without an error, and the port is still there',
  );
  await tools.mend('ovs-vsctl');
  expect((await del(sandbox)).exitCode).toBe(0);
  expect(await left()).toEqual(before);
});

test('output of ip that is none is told with code 11, and changes nothing', async () => {
  const { sandbox } = await fixture.pod();
  const added = await add(sandbox);
  expect(added.exitCode, added.stdout).toBe(0);
  await tools.breakTool('ip', 'garbage');
  const checked = await check(sandbox, added.result);
  expect(checked.result?.code, checked.stdout).toBe(11);
  expect(checked.result?.msg).toContain('ip printed what it never prints: "Zebra {');
  const list = { 'cni.dev/valid-attachments': [] };
  const config = ovnConfig({ cniVersion: '1.1.0', ...list });
  const collected = await cni('GC', sandbox, 'net1', config);
  expect(collected.result?.code, collected.stdout).toBe(11);
  expect(collected.result?.msg).toContain('ip printed what it never prints');
  await tools.mend('ip');
  expect((await check(sandbox, added.result)).exitCode).toBe(0);
  expect((await del(sandbox)).exitCode).toBe(0);
});

test('ADDs of other pods are served when hung tools have used their time up', async () => {
  const pods = await Promise.all(Array.from({ length: 20 }, () => fixture.pod()));
  await tools.breakTool('ip', 'hang');
  const outcomes = await Promise.all(pods.map(({ sandbox }) => add(sandbox)));
  for (const { result, ms } of outcomes) {
    expect(result?.code, result?.msg).toBe(11);
    expect(ms).toBeLessThan(TIMEOUT_S * 1000 + SLACK_MS);
  }
  await tools.mend('ip');
  for (const { sandbox } of pods) expect((await del(sandbox)).exitCode).toBe(0);
  const { sandbox } = await fixture.pod();
  await worksAgain(sandbox);
});
