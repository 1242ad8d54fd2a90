/** The daemon is killed at each child process of a DEL, the executable at each of both verbs. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import {
  CrashLab,
  crashPoints,
  expectPings,
  IF_NAME,
  type LabPod,
  REPLAYS,
  type Verb,
} from './crash-fixture.ts';
import { ovnConfig } from './fixture.ts';
import { mustAdd, mustDelete } from './observe.ts';

const lab = await CrashLab.start();
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => lab.repair());
const { ADD, DEL } = lab.calls;

test('the calls of tools at which the daemon is killed are those of a whole DEL', () => {
  expect(DEL).toEqual(expect.arrayContaining(['ip.1', 'ovs-vsctl.1']));
});

/** A pod whose daemon is killed in its DEL, which is recorded. */
async function killInDel(call: string, how: 'before' | 'orphan' | 'after') {
  const before = await lab.census();
  const made = await lab.pod();
  await mustAdd(made.sandbox, IF_NAME, ovnConfig());
  const outcome = await lab.crash('DEL', made.sandbox, { call, how });
  expect(outcome).toMatchObject({ exitCode: 0, stdout: '' });
  expect(await lab.census()).not.toEqual(before);
  await lab.startDaemon();
  return { before, made };
}

describe('a DEL whose daemon is killed is done by the next one:', () => {
  test.each(crashPoints(DEL))('killed %s', async (_, { call, how }) => {
    const { before, made } = await killInDel(call, how);
    await lab.fixture.daemon.logged('DEL done that was recorded');
    await lab.expectAsBefore(before);
    await lab.discard(made);
  });
});

describe.each(REPLAYS)('a DEL whose daemon is killed, %s, leaves nothing:', (_, replay) => {
  test.each(crashPoints(DEL))('killed %s', async (_, { call, how }) => {
    const { before, made } = await killInDel(call, how);
    await replay(lab, made, before);
  });
});

/** Kills the executable while the daemon runs a tool for it, and waits for the end of the call. */
async function killCaller(verb: Verb, { sandbox }: LabPod, call: string): Promise<void> {
  const { daemon } = lab.fixture;
  const { containerId } = sandbox;
  const ended = daemon.logged(containerId, daemon.logLines(containerId).length + 1);
  const running = await lab.startHeld(verb, sandbox, call);
  running.kill();
  expect(await running.outcome).toMatchObject({ exitCode: null, stdout: '' });
  await lab.shims.release();
  await ended;
  await lab.shims.disarm();
}

describe('an ADD whose executable is killed leaves nothing, even before its DEL:', () => {
  test.each(ADD)('killed at %s', async (call) => {
    const before = await lab.census();
    const made = await lab.pod();
    await killCaller('ADD', made, call);
    await lab.becomesAsBefore(before);
    await mustAdd(made.sandbox, IF_NAME, ovnConfig());
    await expectPings(made.sandbox);
    await mustDelete(made.sandbox, IF_NAME, ovnConfig());
    await lab.expectAsBefore(before);
    await lab.discard(made);
  });
});

describe('a DEL whose executable is killed goes on to its end:', () => {
  test.each(DEL)('killed at %s', async (call) => {
    const before = await lab.census();
    const made = await lab.pod();
    await mustAdd(made.sandbox, IF_NAME, ovnConfig());
    await killCaller('DEL', made, call);
    await lab.becomesAsBefore(before);
    await mustDelete(made.sandbox, IF_NAME, ovnConfig());
    await lab.discard(made);
  });
});
