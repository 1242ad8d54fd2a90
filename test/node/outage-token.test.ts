/**
 * The daemon's service account token is replaced while it runs, as the kubelet does every hour, and
 * the API server no longer takes the old one: the daemon goes on with the new one.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Daemon } from '../lab/daemon.ts';
import { DAEMON } from '../lab/kubernetes/api.ts';
import { InCluster } from '../lab/kubernetes/in-cluster.ts';
import type { Sandbox } from '../lab/runtime.ts';
import { ATTACHNET, Fixture, ovnConfig } from './fixture.ts';
import { mustAdd, mustDelete, startAdd } from './observe.ts';

const COLLECTIONS = 4;
const LOST = 'lost touch with the API server';
/** How a 401 is named: the number alone also stands in times. */
const REFUSED = 'Unauthorized';
const BACK = 'back in touch with the API server';

let fixture: Fixture;
let inCluster: InCluster;
let tokenCount = 0;
beforeAll(async () => {
  fixture = await Fixture.start();
  inCluster = await InCluster.start(fixture.api, DAEMON);
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await inCluster[Symbol.asyncDispose]();
});
// Pauses between attempts grow from one outage to the next: each test has a daemon of its own.
beforeEach(async () => {
  await fixture.daemon.stop();
  fixture.daemon = await Daemon.start({
    nodeName: fixture.node.chassis,
    flags: ['--add-timeout-seconds=20'],
    environment: inCluster.environment,
  });
  await expectAddAndDel((await fixture.pod()).sandbox);
});

function nextToken(): string {
  tokenCount += 1;
  return `token-${tokenCount}`;
}

/** A pod that must come by watch, and its IP object, which must be written. */
async function expectAddAndDel(sandbox: Sandbox): Promise<void> {
  await mustAdd(sandbox, 'net1', ovnConfig());
  const key = `${sandbox.pod.name}.default.${ATTACHNET}`;
  await fixture.api.until('IP', key, ({ spec }) => Reflect.get(spec as object, 'nodeName') !== '');
  await mustDelete(sandbox, 'net1', ovnConfig());
}

test('with a new token, which alone is taken, watches are opened again and objects written', async () => {
  const { api, daemon } = fixture;
  const token = nextToken();
  await inCluster.writeToken(token);
  api.setToken(token, DAEMON);
  const watches = api.requests.count({ verb: 'watch' });
  api.resetConnections();
  await api.requests.waitFor({ verb: 'watch' }, watches + COLLECTIONS);
  await expectAddAndDel((await fixture.pod()).sandbox);
  // The reset itself, and nothing about tokens.
  expect(daemon.logLines(LOST)).toHaveLength(1);
  expect(daemon.logLines(REFUSED)).toEqual([]);
});

test('objects are written with the new token while the watches of before go on', async () => {
  const { api, daemon } = fixture;
  const token = nextToken();
  await inCluster.writeToken(token);
  api.setToken(token, DAEMON);
  await expectAddAndDel((await fixture.pod()).sandbox);
  expect(daemon.logLines(LOST)).toEqual([]);
  expect(daemon.logLines(REFUSED)).toEqual([]);
});

test('a token that expires before the next one is there is an outage until it is there', async () => {
  const { api, daemon } = fixture;
  const token = nextToken();
  api.setToken(token, DAEMON);
  const requests = api.requests.count();
  api.resetConnections();
  await daemon.logged(LOST);
  await api.requests.waitFor({}, requests + COLLECTIONS * 3);
  const { sandbox } = await fixture.pod();
  const adding = await startAdd(sandbox, 'net1', ovnConfig());
  await inCluster.writeToken(token);
  const { exitCode, stdout } = await adding.outcome;
  expect(exitCode, stdout).toBe(0);
  await mustDelete(sandbox, 'net1', ovnConfig());
  await daemon.logged(BACK);
  await expectAddAndDel((await fixture.pod()).sandbox);
  expect(daemon.logLines(LOST)).toHaveLength(1);
});

test('a token that is replaced while the API server is not there is used when it is back', async () => {
  const { api, daemon } = fixture;
  await api.close();
  await daemon.logged(LOST);
  const token = nextToken();
  await inCluster.writeToken(token);
  api.setToken(token, DAEMON);
  await api.start();
  await expectAddAndDel((await fixture.pod()).sandbox);
  await daemon.logged(BACK);
  expect(daemon.logLines(REFUSED)).toEqual([]);
});

test('a token that is replaced while the API server is silent is used with the next connection', async () => {
  const { api, daemon } = fixture;
  api.silence();
  const token = nextToken();
  await inCluster.writeToken(token);
  api.setToken(token, DAEMON);
  api.resume();
  // The watches of before are mute for good: what ends them is the network, or a time limit.
  api.resetConnections();
  await expectAddAndDel((await fixture.pod()).sandbox);
  expect(daemon.logLines(REFUSED)).toEqual([]);
});
