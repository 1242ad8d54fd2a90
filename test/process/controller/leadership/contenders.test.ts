import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Contenders } from './contenders.ts';
import { LEASE } from './support.ts';

/**
 * A lease is a second. The rest is for a machine so busy that all three lose it and start again.
 */
const TAKEOVER_MAX_MS = 30_000;
/** So that a failure can be played again. */
const SEED = 20_260_822;

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Fault = (all: Contenders, leader: string, ms: number) => Promise<void>;

async function disturbed(
  all: Contenders,
  name: string,
  how: 'cut' | 'hold' | 'holdAnswers',
  ms: number,
) {
  all.line(name)[how]();
  await sleep(ms);
  all.line(name).restore();
}

async function stopped(all: Contenders, name: string, ms: number) {
  all.signal(name, 'SIGSTOP');
  await sleep(ms);
  all.signal(name, 'SIGCONT');
}

/** What happens to the leader, or around it, for up to twice the time of a lease. */
const FAULTS: Readonly<Record<string, Fault>> = {
  killed: async (all, leader) => all.signal(leader, 'SIGKILL'),
  'told to end': async (all, leader) => all.signal(leader, 'SIGTERM'),
  stopped,
  'cut off': (all, leader, ms) => disturbed(all, leader, 'cut', ms),
  'not heard and not hearing': (all, leader, ms) => disturbed(all, leader, 'hold', ms),
  'not hearing': (all, leader, ms) => disturbed(all, leader, 'holdAnswers', ms),
  'stopped, and those who stand by cut off': async (all, leader, ms) => {
    const other = all.otherThan(leader);
    await Promise.all([stopped(all, leader, ms), disturbed(all, other, 'cut', ms)]);
  },
  'told of conflicts that are none': async (all) =>
    all.server.faults.failNext(12, 409, { verb: 'patch', path: LEASE }),
  'refused by an API server that is not well': async (all, _leader, ms) => {
    all.server.faults.failAll(503);
    await sleep(ms);
    all.server.faults.failAll(undefined);
  },
  'reset with all others': async (all) => all.server.resetConnections(),
};

describe('three controllers under faults', () => {
  it('never lead at the same time, and one always leads again soon', {
    timeout: 180_000,
  }, async () => {
    await using all = await Contenders.start();
    await all.untilLed();
    const random = randomFrom(SEED);
    const names = Object.keys(FAULTS).sort(() => random() - 0.5);
    for (const name of names) {
      await FAULTS[name]?.(all, all.leader, Math.round(2_000 * random()));
      const led = all.untilLed().then(() => true);
      const waited = sleep(TAKEOVER_MAX_MS, false, { ref: false });
      expect(await Promise.race([led, waited]), `led after: ${name}`).toBe(true);
    }
    const beliefs = await all.beliefs();
    const wrong = beliefs.filter(({ at, holder }) => all.holderAt(at) !== holder);
    expect(wrong).toEqual([]);
    // The one that is killed and the one that is told to end always lose it.
    expect(new Set(beliefs.map(({ holder }) => holder)).size).toBeGreaterThan(2);
  });
});
