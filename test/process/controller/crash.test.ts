/**
 * Controllers that are killed, at any point of anything that can happen to addresses, one after
 * another. What is never to be seen is not seen for a moment, and each time all is well soon.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrashCluster, type KillPoint } from './crash/crash-cluster.ts';
import { scenario } from './crash/steps.ts';

/** The scenario has about 120 writes. */
const KILL_POINTS = 30;
const SCENARIOS = 8;
const TIMEOUT_MS = 300_000;

const killPoint: fc.Arbitrary<KillPoint> = fc.record({
  write: fc.integer({ min: 1, max: 12 }),
  when: fc.constantFrom('asked', 'done'),
  isLongAway: fc.boolean(),
});

/** Lets everything happen. @returns how many writes it took */
async function runScenario(killPoints: readonly KillPoint[]): Promise<number> {
  await using crashCluster = await CrashCluster.start(killPoints);
  for (const step of scenario) {
    await step(crashCluster);
    await crashCluster.settle({ isLast: step === scenario.at(-1) }).catch((error: unknown) => {
      throw new Error(`after ${step.name}: ${String(error)}`);
    });
  }
  expect(crashCluster.recorder.crimes).toEqual([]);
  return crashCluster.writeCount;
}

describe('addresses', () => {
  it(
    'are as they ought to be when nobody is killed',
    async () => {
      expect(await runScenario([])).toBeGreaterThan(100);
    },
    TIMEOUT_MS,
  );

  it(
    'neither move nor are lost nor given twice when controllers are killed',
    async () => {
      const killPoints = fc.array(killPoint, { minLength: KILL_POINTS, maxLength: KILL_POINTS });
      const property = fc.asyncProperty(killPoints, async (each) => {
        await runScenario(each);
      });
      // A failure says its seed; what it shrinks to takes too long to find.
      await fc.assert(property, { numRuns: SCENARIOS, endOnFailure: true });
    },
    TIMEOUT_MS,
  );
});
