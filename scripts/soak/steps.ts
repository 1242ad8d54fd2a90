/** The kinds of steps, how often each comes, and their order. */

import { changeLimits, collect, lateDel, stray, visit } from './checks.ts';
import { removePod } from './controller.ts';
import { disturbApi, killDaemon, killPart, restartDaemon } from './faults.ts';
import { lateAdd, race, replacePod, succeed } from './new-sandboxes.ts';
import { end, endAndKill } from './pod-end.ts';
import { addWithMistake, bringUp, bringUpAndKill, deleteWhileComingUp } from './pod-start.ts';
import type { Random } from './random.ts';
import type { Play } from './step-context.ts';

export interface Kind {
  readonly name: string;
  /** How often it comes, relative to the others. */
  readonly weight: number;
  /** Left out where nothing may be killed. */
  readonly kills?: true;
  /** Concerns the node: no slot has to wait for it. */
  readonly isOfNode?: true;
  readonly run: (play: Play) => Promise<void>;
}

export const KINDS: readonly Kind[] = [
  { name: 'pod comes or goes', weight: 20, run: comeOrGo },
  { name: 'new sandbox', weight: 10, run: succeed },
  { name: 'two sandboxes at once', weight: 5, run: race },
  { name: 'ADD of an older sandbox', weight: 4, run: lateAdd },
  { name: 'pod is replaced', weight: 5, run: replacePod },
  { name: 'pod goes while it comes up', weight: 3, run: vacantly(deleteWhileComingUp) },
  { name: 'wrong annotation', weight: 3, run: vacantly(addWithMistake) },
  { name: 'CHECK and ping', weight: 8, run: visit },
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
async function comeOrGo(play: Play): Promise<void> {
  if (play.slot.home === undefined) await bringUp(play);
  else if (play.random.chance(0.6)) await end(play);
  else await visit(play);
}

async function comeAndKill(play: Play): Promise<void> {
  if (play.slot.home !== undefined) await end(play);
  await bringUpAndKill(play);
}

async function goAndKill(play: Play): Promise<void> {
  const { slot } = play;
  const { home } = slot;
  if (home === undefined) return bringUp(play);
  slot.home = undefined;
  await endAndKill(play, home);
}

/** For steps that begin without a pod. */
function vacantly(run: (play: Play) => Promise<void>): (play: Play) => Promise<void> {
  return async (play) => {
    await end(play);
    await removePod(play.stage, play.slot);
    await run(play);
  };
}
