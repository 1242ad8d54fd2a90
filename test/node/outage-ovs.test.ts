/**
 * Parts of OVS and OVN go away and come back: the log stays short, running pods have their network
 * again, and new pods come, without a restart of the daemon.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cni, type Sandbox } from '../lab/runtime.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { canPing, census, expectNode, mustAdd, mustDelete, startAdd } from './observe.ts';
import { expectError } from './refusal.ts';

const GATEWAY = '172.17.0.1';
const FLAGS = ['--add-timeout-seconds=30'];
const LOST = "lost touch with OVS's database";
const BACK = "back in touch with OVS's database";
/** For programs of OVS and OVN to find each other again: they wait up to 8 s between attempts. */
const RECOVERY = { timeout: 60_000, interval: 100 };

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  await fixture.restartDaemon(FLAGS, 'SIGTERM');
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
});

async function expectAddAndDel(sandbox: Sandbox): Promise<void> {
  await mustAdd(sandbox, 'net1', ovnConfig());
  expect(await canPing(sandbox, GATEWAY)).toBe(true);
  await mustDelete(sandbox, 'net1', ovnConfig());
}

test('without ovsdb-server calls fail soon and say why, and the log tells of the outage once', async () => {
  const { node, daemon } = fixture;
  const { sandbox: running } = await fixture.pod();
  const { sandbox } = await fixture.pod();
  await mustAdd(running, 'net1', ovnConfig());
  const before = await census(node);
  const lines = daemon.log.length;
  await node.killPart('ovsdb-server');
  await daemon.logged(LOST);
  for (const verb of ['ADD', 'DEL', 'ADD', 'DEL']) {
    const failed = await cni(verb, sandbox, 'net1', ovnConfig());
    expectError(failed, { code: 11, says: ['unix:/run/openvswitch/db.sock'] });
  }
  // A line for the outage and for each call, and one for each thing that an ADD cannot undo.
  expect(daemon.log.length - lines).toBeLessThanOrEqual(1 + 4 + 2);

  await node.startPart('ovsdb-server');
  await daemon.logged(BACK);
  expect(daemon.logLines(LOST)).toHaveLength(1);
  await mustDelete(sandbox, 'net1', ovnConfig());
  await expectNode(node, before);
  await expect.poll(() => canPing(running, GATEWAY), RECOVERY).toBe(true);
  await expectAddAndDel((await fixture.pod()).sandbox);
  await mustDelete(running, 'net1', ovnConfig());
});

describe.each(['ovs-vswitchd', 'ovn-controller'])('without %s', (part) => {
  test('DELs go on, and an ADD waits until it is back', async () => {
    const { node } = fixture;
    const { sandbox: running } = await fixture.pod();
    const { sandbox: leaving } = await fixture.pod();
    const before = await census(node);
    for (const sandbox of [running, leaving]) await mustAdd(sandbox, 'net1', ovnConfig());
    await node.killPart(part);
    await mustDelete(leaving, 'net1', ovnConfig());
    const { sandbox } = await fixture.pod();
    const adding = await startAdd(sandbox, 'net1', ovnConfig());
    await node.startPart(part);
    const { exitCode, stdout } = await adding.outcome;
    expect(exitCode, stdout).toBe(0);
    await expect.poll(() => canPing(running, GATEWAY), RECOVERY).toBe(true);
    await expectAddAndDel((await fixture.pod()).sandbox);
    for (const one of [running, sandbox]) await mustDelete(one, 'net1', ovnConfig());
    await expectNode(node, before);
  });
});
