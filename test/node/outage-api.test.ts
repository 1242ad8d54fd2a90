/**
 * Long outages of the Kubernetes API, of every kind: calls for what is known go on, the log stays
 * short, and new pods come afterwards without a restart of the daemon. Single stages of an outage
 * are in api-outage.test.ts.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cni, type Sandbox } from '../lab/runtime.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import {
  type Census,
  canPing,
  census,
  expectNode,
  mustAdd,
  mustDelete,
  startAdd,
} from './observe.ts';
import { expectError } from './refusal.ts';

const GATEWAY = '172.17.0.1';
const FLAGS = ['--add-timeout-seconds=30'];
/** Followed by watch: the pods of this node, Subnets, and the node itself. */
const COLLECTIONS = [
  '/api/v1/pods',
  '/apis/kubeovn.io/v1/subnets',
  '/apis/kubeovn.io/v1/ips',
  '/api/v1/nodes',
];
/** Failed attempts at each collection that make an outage a long one. */
const ATTEMPTS = 4;
const LOST = 'lost touch with the API server';
const BACK = 'back in touch with the API server';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start(FLAGS);
});
afterAll(() => fixture[Symbol.asyncDispose]());
// Pauses between attempts grow from one outage to the next: each test has a daemon of its own.
beforeEach(() => fixture.restartDaemon(FLAGS));
afterEach(async () => {
  const { api } = fixture;
  api.faults.failAll(undefined);
  api.watches.closeAtOnce(false);
  await api.close();
  await api.start();
});

/** How the API server can be lost, and come back. */
interface Outage {
  begin(): void | Promise<void>;
  end(): void | Promise<void>;
}

function answering(status: number, atEnd = () => {}): Outage {
  const { faults } = fixture.api;
  return {
    begin: () => {
      faults.failAll(status);
      fixture.api.resetConnections();
    },
    end: () => {
      atEnd();
      faults.failAll(undefined);
    },
  };
}

const OUTAGES: Readonly<Record<string, () => Outage>> = {
  'does not listen': () => ({
    begin: () => fixture.api.close(),
    end: () => fixture.api.start(),
  }),
  'answers 503': () => answering(503),
  'answers 503, and has forgotten the history when it is back': () =>
    answering(503, () => fixture.api.compact()),
  'does not know us': () => answering(401),
  'ends every watch as soon as it is open': () => ({
    begin: () => {
      fixture.api.watches.closeAtOnce(true);
      fixture.api.watches.endAll();
    },
    end: () => fixture.api.watches.closeAtOnce(false),
  }),
};

/** ADD, CHECK and DEL of a pod that the daemon knows. */
async function expectCalls(sandbox: Sandbox): Promise<void> {
  const prevResult = await mustAdd(sandbox, 'net1', ovnConfig());
  expect(await canPing(sandbox, GATEWAY)).toBe(true);
  const { exitCode, stdout } = await cni('CHECK', sandbox, 'net1', ovnConfig({ prevResult }));
  expect(exitCode, stdout).toBe(0);
  await mustDelete(sandbox, 'net1', ovnConfig());
}

/** Resolves when each collection has been asked for so often from now on. */
async function attempts(count: number): Promise<void> {
  const { requests } = fixture.api;
  await Promise.all(
    COLLECTIONS.map((path) => requests.waitFor({ path }, requests.count({ path }) + count)),
  );
}

describe.each(Object.keys(OUTAGES))('while the API server %s', (how) => {
  test('known pods come and go, with few lines of log; new pods come when it is over', async () => {
    const { daemon, node } = fixture;
    const { sandbox: known } = await fixture.pod();
    const { sandbox: running } = await fixture.pod();
    await mustAdd(running, 'net1', ovnConfig());
    await expectCalls(known);
    const before = await census(node);

    const outage = (OUTAGES[how] as () => Outage)();
    // Nothing asks a server that does not listen: its pauses are short enough to be waited for.
    const long = how === 'does not listen' ? Promise.resolve() : attempts(ATTEMPTS);
    const lines = daemon.log.length;
    await outage.begin();
    await daemon.logged(LOST);
    await expectCalls(known);
    await long;
    await expectCalls(known);
    expect(await canPing(running, GATEWAY)).toBe(true);
    await expectNode(node, before);
    const { sandbox: late } = await fixture.pod();
    const adding = await startAdd(late, 'net1', ovnConfig());
    expect(daemon.logLines(LOST)).toHaveLength(1);
    // A line for the outage, for each of six calls, for each of two IP objects that could not
    // be written, and for the node's annotation.
    expect(daemon.log.length - lines).toBeLessThanOrEqual(1 + 6 + 2 + 1);

    await outage.end();
    const { exitCode, stdout } = await adding.outcome;
    expect(exitCode, stdout).toBe(0);
    const { sandbox: later } = await fixture.pod();
    await expectCalls(later);
    await daemon.logged(BACK);
    expect(daemon.logLines(LOST)).toHaveLength(1);
    for (const sandbox of [running, late]) await mustDelete(sandbox, 'net1', ovnConfig());
  });
});

describe.each(['does not listen', 'says nothing'])(
  'a daemon that starts while the API server %s',
  (how) => {
    let running: Sandbox;
    let empty: Census;
    beforeEach(async () => {
      empty = await census(fixture.node);
      running = (await fixture.pod()).sandbox;
      await mustAdd(running, 'net1', ovnConfig());
      if (how === 'says nothing') fixture.api.silence();
      else await fixture.api.close();
      await fixture.restartDaemon(['--add-timeout-seconds=2']);
    });
    test('leaves running pods alone, says what ADDs wait for, and does DELs at once', async () => {
      const { node } = fixture;
      expect(await canPing(running, GATEWAY)).toBe(true);
      const early = await cni('ADD', (await fixture.pod()).sandbox, 'net1', ovnConfig());
      expectError(early, { code: 11, says: ['waited 2 s for the first list', 'API server'] });
      expect(await canPing(running, GATEWAY)).toBe(true);
      const startedMs = performance.now();
      await mustDelete(running, 'net1', ovnConfig());
      // A tenth of the deadline of any wait for the API server.
      expect(performance.now() - startedMs).toBeLessThan(2000);
      await expectNode(node, empty);
    });
  },
);
