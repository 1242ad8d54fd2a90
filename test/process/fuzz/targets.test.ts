/** A short run of each fuzz target, from one seed; `npm run fuzz` has the long ones. */
import { expect, it } from 'vitest';
import { SOURCE_TARGETS } from '../../fuzz/targets.ts';

const SEED = 20_261_123;
/** Of 100,000: a few seconds. */
const CASES = 5000;

it.each(SOURCE_TARGETS.map((target) => [target.name, target] as const))(
  'no case of the fuzz target %s shows a fault',
  async (_, target) => {
    const cases = Math.ceil((CASES * target.share) / 100_000);
    const { failure, outcomes } = await target.run({ cases, seed: SEED });
    expect(failure).toBeUndefined();
    // Cases that all end alike prove little.
    expect(outcomes.size).toBeGreaterThan(1);
  },
  180_000,
);
