/** Runs many steps, several at once, with a census of the node at rest now and then. */
import { KeyedLock } from '../../src/common/concurrency/keyed-lock.ts';
import type { Finding } from './census.ts';
import { damagedHomes, settle } from './idle.ts';
import type { Kubelet } from './kubelet.ts';
import type { Slot } from './pods.ts';
import type { Random } from './random.ts';
import type { Stage } from './stage.ts';
import { StepContext } from './step-context.ts';
import type { Kind } from './steps.ts';
import type { Verdict } from './verdict.ts';

/** More would only wait for each other's processors. */
const STEPS_AT_ONCE = 6;

export interface Soak {
  readonly stage: Stage;
  readonly kubelet: Kubelet;
  readonly slots: readonly Slot[];
  /** What was on the node before any call. */
  readonly before: readonly Finding[];
  readonly verdict: Verdict;
  readonly random: Random;
}

/** Runs steps to their end. */
export async function runSteps(soak: Soak, kinds: readonly Kind[]): Promise<void> {
  const { stage, kubelet, slots, random } = soak;
  const turn = new KeyedLock();
  const waiting = kinds.map((kind) => ({ kind, slot: random.pick(slots), random: random.fork() }));
  const work = async () => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const { kind, slot } = step;
      const context = new StepContext({ stage, kubelet, slot, random: step.random });
      const key = kind.isOfNode ? kind.name : `${slot.place}`;
      await turn.run(key, async () => {
        const startedMs = performance.now();
        const timer = setTimeout(giveUp, STEP_MS_MAX, kind);
        await kind.run(context);
        clearTimeout(timer);
        stage.tally.step(kind.name, performance.now() - startedMs);
      });
    }
  };
  await Promise.all(Array.from({ length: STEPS_AT_ONCE }, work));
}

/** Nothing that is not waited for in vain takes so long; ms. */
const STEP_MS_MAX = 300_000;

function giveUp({ name }: Kind): never {
  console.log(`\nHANGS: a step "${name}" does not end`);
  process.exit(1);
}

/** Brings the node to rest, and enters what is leaked or damaged. */
export async function inspect({ stage, kubelet, slots, before, verdict }: Soak): Promise<void> {
  // What is known to stay is not waited for again.
  verdict.addLeaks(stage, await settle(stage, kubelet, [...before, ...verdict.leaks]));
  for (const [home, wrong] of await damagedHomes(stage, kubelet, slots)) {
    verdict.addDamage(stage, home, wrong);
  }
}
