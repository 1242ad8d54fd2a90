/** Daemons of OVS and OVN are killed in the middle of ADDs and DELs. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

import type { CniOutcome } from '../lab/runtime.ts';
import {
  type Before,
  CrashLab,
  IF_NAME,
  type LabPod,
  REPLAYS,
  type Verb,
} from './crash-fixture.ts';
import { ovnConfig } from './fixture.ts';
import { mustAdd } from './observe.ts';
import { expectError } from './refusal.ts';

const lab = await CrashLab.start();
const { node } = lab.fixture;
afterAll(() => lab[Symbol.asyncDispose]());
beforeEach(() => lab.repair());

const VERBS = ['ADD', 'DEL'] as const;
const PARTS = ['ovsdb-server', 'ovs-vswitchd', 'ovn-controller'] as const;
/** By turns: who loses a connection again and again takes longer each time to come back. */
const CASES = VERBS.flatMap((verb) =>
  lab.calls[verb].flatMap((call) => PARTS.map((part) => ({ verb, call, part }))),
);

interface Crashed {
  readonly before: Before;
  readonly made: LabPod;
  readonly outcome: CniOutcome;
}

/** Runs a call and kills a part in the middle of it, which comes back at once or after the call. */
async function crash(
  { verb, call, part }: { verb: Verb; call: string; part: string },
  back: 'at once' | 'afterwards',
): Promise<Crashed> {
  const before = await lab.census();
  const made = await lab.pod();
  if (verb === 'DEL') await mustAdd(made.sandbox, IF_NAME, ovnConfig());
  const running = await lab.startHeld(verb, made.sandbox, call);
  await node.killPart(part);
  if (back === 'at once') await node.startPart(part);
  await lab.shims.release();
  const outcome = await running.outcome;
  await lab.shims.disarm();
  if (back === 'afterwards') await node.startPart(part);
  await lab.expectRecovery();
  return { before, made, outcome };
}

/** Plays one of the replays, another one each time. */
async function replay({ made, before }: Crashed): Promise<void> {
  const [, play] = REPLAYS[replayCount++ % REPLAYS.length] as (typeof REPLAYS)[number];
  await play(lab, made, before);
}
let replayCount = 0;

describe('a call succeeds or says why not, and leaves nothing, when a part is started again:', () => {
  test.each(CASES)('$part, in $verb, at $call', async (each) => {
    const crashed = await crash(each, 'at once');
    const { outcome } = crashed;
    if (outcome.exitCode !== 0) expectError(outcome, { code: 11, says: [] });
    await replay(crashed);
  });
});

describe('while ovsdb-server is away a call fails, and leaves nothing:', () => {
  const cases = CASES.filter(({ part }) => part === 'ovsdb-server');
  test.each(cases.filter(({ call }) => call.startsWith('ovs-vsctl')))(
    'in $verb, at $call',
    async (each) => {
      const crashed = await crash(each, 'afterwards');
      expectError(crashed.outcome, { code: 11, says: ['is ovsdb-server running'] });
      await replay(crashed);
    },
  );
});

describe('a DEL needs neither ovs-vswitchd nor ovn-controller:', () => {
  const cases = CASES.filter(({ verb, part }) => verb === 'DEL' && part !== 'ovsdb-server');
  test.each(cases)('at $call, without $part', async (each) => {
    const crashed = await crash(each, 'afterwards');
    expect(crashed.outcome).toMatchObject({ exitCode: 0, stdout: '' });
    await lab.expectAsBefore(crashed.before);
    await replay(crashed);
  });
});
