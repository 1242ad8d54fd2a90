/** A living pod gets a new sandbox: the newer one has its interfaces, whatever comes for the older. */

import { allocate, createPod, removePod } from './controller.ts';
import { anyOf, disturbed, judge, podGone, superseded, surprise, titleOf } from './excuses.ts';
import { addAll, bringUp, giveUp, owe } from './pod-start.ts';
import type { Home } from './pods.ts';
import type { Play } from './step-context.ts';

type Succession = (play: Play, older: Home) => Promise<void>;

/** Gives a slot's pod a new sandbox in one of many ways. */
export async function succeed(play: Play): Promise<void> {
  const { slot, random } = play;
  const { home } = slot;
  if (home === undefined) return bringUp(play);
  slot.home = undefined;
  await random.pick(SUCCESSIONS)(play, home);
}

const SUCCESSIONS: readonly Succession[] = [
  // As kubelet does it.
  async (play, older) => {
    await play.kubelet.takeDown(older);
    await bringUp(play);
  },
  // The DEL of the older one is on its way.
  async (play, older) => {
    await Promise.all([play.kubelet.takeDown(older), bringUp(play)]);
  },
  // The older one was lost.
  async (play, older) => {
    await play.kubelet.unmount(older);
    play.kubelet.homes.delete(older);
    await bringUp(play);
  },
  // The DEL of the older one comes long after.
  async (play, older) => {
    await bringUp(play);
    await owe(play, older);
  },
];

/** Two new sandboxes of a pod come up at once. */
export async function race(play: Play): Promise<void> {
  const { stage, kubelet, slot, random } = play;
  const { home } = slot;
  slot.home = undefined;
  if (home !== undefined) await kubelet.takeDown(home);
  const pod = slot.pod ?? createPod(stage, slot, random);
  if (slot.allocated !== slot.generation) await allocate(stage, pod, slot.nics);
  slot.allocated = slot.generation;
  const older = await kubelet.createHome(pod, slot.nics);
  const coming = addAll(play, older, { excuse: superseded });
  await play.pause(60);
  await Promise.all([coming, bringUp(play)]);
  await giveUp(play, older);
}

/** The ADD of an older sandbox comes when the newer one is up: it must be told so. */
export async function lateAdd(play: Play): Promise<void> {
  const { stage, kubelet, slot, random } = play;
  const { home } = slot;
  slot.home = undefined;
  if (home !== undefined) await kubelet.takeDown(home);
  const pod = slot.pod ?? createPod(stage, slot, random);
  const older = await kubelet.createHome(pod, slot.nics);
  await bringUp(play);
  const newer = play.slot.home as Home | undefined;
  for (const nic of older.nics) {
    const answer = await kubelet.add(older, nic);
    const title = titleOf('late ADD', older, nic.ifName);
    if (answer.code === 0 && newer !== undefined && !nic.network.isIpam) {
      surprise(stage, `${title} succeeded beside ${newer.sandbox.containerId}`, answer);
    }
    judge(stage, title, answer, anyOf(superseded, disturbed));
  }
  if (newer !== undefined && !(await kubelet.checkAll(newer))) {
    slot.home = undefined;
    await kubelet.takeDown(newer);
  }
  await giveUp(play, older);
}

/** Another pod of the same name takes the place of a living one; calls for the older one come late. */
export async function replacePod(play: Play): Promise<void> {
  const { stage, kubelet, slot, random } = play;
  const { home } = slot;
  if (home === undefined || !slot.keepsName) return succeed(play);
  slot.home = undefined;
  const late = await kubelet.createHome(home.sandbox.pod, home.nics);
  await removePod(stage, slot);
  await bringUp(play);
  for (const nic of late.nics) {
    const answer = await kubelet.add(late, nic);
    judge(stage, titleOf('late ADD', late, nic.ifName), answer, anyOf(podGone, disturbed));
  }
  await giveUp(play, late);
  if (random.chance(0.5)) await kubelet.takeDown(home);
  else await owe(play, home);
}
