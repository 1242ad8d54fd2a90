/**
 * Tools that do their work and then fail, and fail again when the ADD is undone: what is left is no
 * obstacle to the same ADD, and goes with its DEL.
 */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { cni, deleteSandbox } from '../lab/runtime.ts';
import { CrashLab, expectPings, IF_NAME } from './crash-fixture.ts';
import { ovnConfig } from './fixture.ts';
import { expectGone, expectTraces, WHOLE } from './garbage-support.ts';
import { failedAdd, mustAdd, mustDelete } from './observe.ts';

const lab = await CrashLab.start();
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => lab.repair());

/** An ADD that fails when this tool has done its work; nothing of it can be undone. */
async function brokenAdd(call: string) {
  const made = await lab.pod();
  await lab.shims.arm(await lab.wordsOf(made.sandbox), { call, how: 'fail', pid: 0 });
  const { exitCode, stdout } = await cni('ADD', made.sandbox, IF_NAME, ovnConfig());
  expect(exitCode, stdout).toBe(1);
  expect(await lab.shims.disarm()).toContain(call);
  await lab.fixture.daemon.logged('cannot undo ADD');
  return made;
}

describe.each(['ip.1', 'ovs-vsctl.1', 'nsenter-ip.1'])('an ADD that fails after %s', (call) => {
  test('and cannot be undone works when it is repeated', async () => {
    const before = await lab.census();
    const made = await brokenAdd(call);
    await mustAdd(made.sandbox, IF_NAME, ovnConfig());
    await expectTraces(lab.fixture, made.sandbox, WHOLE);
    await expectPings(made.sandbox);
    await mustDelete(made.sandbox, IF_NAME, ovnConfig());
    await lab.discard(made);
    await lab.expectAsBefore(before);
  });

  test('and cannot be undone leaves nothing after its DEL', async () => {
    const before = await lab.census();
    const made = await brokenAdd(call);
    await mustDelete(made.sandbox, IF_NAME, ovnConfig());
    await lab.discard(made);
    await lab.expectAsBefore(before);
  });

  test('and cannot be undone leaves nothing when its sandbox goes', async () => {
    const before = await lab.census();
    const made = await brokenAdd(call);
    await deleteSandbox(made.sandbox);
    await lab.fixture.cluster.deletePod(made.pod, [made.nic]);
    await expectGone(lab.fixture, made.sandbox);
    await lab.expectAsBefore(before);
  });
});

test('an ADD that is repeated after it was answered says so, and leaves the interface alone', async () => {
  const made = await lab.pod();
  await mustAdd(made.sandbox, IF_NAME, ovnConfig());
  const before = await lab.stateOf(made.sandbox);
  expect(await failedAdd(made.sandbox, IF_NAME, ovnConfig())).toMatchObject({ code: 4 });
  expect(await lab.stateOf(made.sandbox)).toEqual(before);
  await expectPings(made.sandbox);
  await mustDelete(made.sandbox, IF_NAME, ovnConfig());
  await lab.discard(made);
});
