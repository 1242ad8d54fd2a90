/** The daemon is killed at each child process of an ADD. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { CrashLab, crashPoints, REPLAYS } from './crash-fixture.ts';
import { expectError } from './refusal.ts';

const lab = await CrashLab.start();
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => lab.repair());
const { ADD } = lab.calls;

test('the calls of tools at which the daemon is killed are those of a whole ADD', () => {
  const some = ['ip.1', 'ovs-vsctl.1', 'nsenter-ip.1', 'nsenter-arping.1', 'nsenter-ping.1'];
  expect(ADD).toEqual(expect.arrayContaining(some));
});

describe.each(REPLAYS)('an ADD whose daemon is killed, %s, leaves nothing:', (_, replay) => {
  test.each(crashPoints(ADD))('killed %s', async (_, { call, how }) => {
    const before = await lab.census();
    const made = await lab.pod();
    const outcome = await lab.crash('ADD', made.sandbox, { call, how });
    expectError(outcome, { code: 11, says: ['no answer from the node daemon'] });
    await lab.startDaemon();
    // Else there would be nothing to clean up, and nothing to prove.
    if (how !== 'before') expect((await lab.census()).node).not.toEqual(before.node);
    await replay(lab, made, before);
  });
});
