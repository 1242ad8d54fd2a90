/** The kinds of steps, how often each comes, and their order. */

import { changeLimits, checkPod, collect, lateDel, stray } from './checks.ts';
import { removePod } from './controller.ts';
import { disturbApi, killDaemon, killPart, restartDaemon } from './faults.ts';
import { lateAdd, race, replacePod, replaceSandbox } from './new-sandboxes.ts';
import { end, endAndKill } from './pod-end.ts';
import { addWithMistake, bringUp, bringUpAndKill, deleteWhileComingUp } from './pod-start.ts';
import type { Random } from './random.ts';
import type { StepContext } from './step-context.ts';

export interface Kind {
  readonly name: string;
  /** How often it comes, relative to the others. */
  readonly weight: number;
  /** Left out where nothing may be killed. */
  readonly kills?: true;
  /** Concerns the node: no slot has to wait for it. */
  readonly isOfNode?: true;
  readonly run: (context: StepContext) => Promise<void>;
}

export const KINDS: readonly Kind[] = [
  { name: 'pod comes or goes', weight: 20, run: comeOrGo },
  { name: 'new sandbox', weight: 10, run: replaceSandbox },
  { name: 'two sandboxes at once', weight: 5, run: race },
  { name: 'ADD of an older sandbox', weight: 4, run: lateAdd },
  { name: 'pod is replaced', weight: 5, run: replacePod },
  { name: 'pod goes while it comes up', weight: 3, run: withoutPod(deleteWhileComingUp) },
  { name: 'wrong annotation', weight: 3, run: withoutPod(addWithMistake) },
  { name: 'CHECK and ping', weight: 8, run: checkPod },
  { name: 'stray DEL', weight: 4, run: stray },
  { name: 'late DEL', weight: 5, run: lateDel },
  { name: 'limits change', weight: 6, run: changeLimits },
  { name: 'GC', weight: 4, run: collect },
  { name: 'API server disturbed', weight: 4, run: disturbApi, isOfNode: true },
  { name: 'daemon ends in order', weight: 3, run: restartDaemon, kills: true, isOfNode: true },
  { name: 'daemon killed', weight: 9, run: killDaemon, kills: true },
  { name: 'ADD killed', weight: 7, run: comeAndKill, kills: true },
  { name: 'DEL killed', weight: 4, run: goAndKill, kills: true },
  { name: 'ovsdb-server killed', weight: 2, run: killPart('ovsdb-server'), kills: true, isOfNode: true },
  { name: 'ovs-vswitchd killed', weight: 2, run: killPart('ovs-vswitchd'), kills: true, isOfNode: true },
  { name: 'ovn-controller killed', weight: 3, run: killPart('ovn-controller'), kills: true, isOfNode: true },
]; // biome-ignore format: a table

/** So many steps in random order, each kind as often as its weight says. */
export function deck(count: number, kinds: readonly Kind[], random: Random): Kind[] {
  const total = kinds.reduce((sum, { weight }) => sum + weight, 0);
  let weightSoFar = 0;
  let stepsSoFar = 0;
  const steps = kinds.flatMap((kind) => {
    weightSoFar += kind.weight;
    const until = Math.round((weightSoFar / total) * count);
    const own = Array.from({ length: until - stepsSoFar }, () => kind);
    stepsSoFar = until;
    return own;
  });
  return random.shuffled(steps);
}

/** Most slots have a pod most of the time. */
async function comeOrGo(context: StepContext): Promise<void> {
  if (context.slot.home === undefined) await bringUp(context);
  else if (context.random.chance(0.6)) await end(context);
  else await checkPod(context);
}

async function comeAndKill(context: StepContext): Promise<void> {
  if (context.slot.home !== undefined) await end(context);
  await bringUpAndKill(context);
}

async function goAndKill(context: StepContext): Promise<void> {
  const { slot } = context;
  const { home } = slot;
  if (home === undefined) return bringUp(context);
  slot.home = undefined;
  await endAndKill(context, home);
}

/** For steps that begin without a pod. */
function withoutPod(
  run: (context: StepContext) => Promise<void>,
): (context: StepContext) => Promise<void> {
  return async (context) => {
    await end(context);
    await removePod(context.stage, context.slot);
    await run(context);
  };
}
