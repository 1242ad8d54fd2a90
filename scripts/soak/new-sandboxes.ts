/** A living pod gets a new sandbox: the newer one has its interfaces, whatever comes for the older. */

import { allocate, createPod, removePod } from './controller.ts';
import {
  anyOf,
  disturbed,
  expectSuccess,
  podGone,
  superseded,
  surprise,
  titleOf,
} from './excuses.ts';
import { addAll, bringUp, deferDels, giveUp } from './pod-start.ts';
import type { Home } from './pods.ts';
import type { StepContext } from './step-context.ts';

type Replacement = (context: StepContext, older: Home) => Promise<void>;

/** Gives a slot's pod a new sandbox in one of many ways. */
export async function replaceSandbox(context: StepContext): Promise<void> {
  const { slot, random } = context;
  const { home } = slot;
  if (home === undefined) return bringUp(context);
  slot.home = undefined;
  await random.pick(REPLACEMENTS)(context, home);
}

const REPLACEMENTS: readonly Replacement[] = [
  // As kubelet does it.
  async (context, older) => {
    await context.kubelet.takeDown(older);
    await bringUp(context);
  },
  // The DEL of the older one is on its way.
  async (context, older) => {
    await Promise.all([context.kubelet.takeDown(older), bringUp(context)]);
  },
  // The older one was lost.
  async (context, older) => {
    await context.kubelet.unmount(older);
    context.kubelet.homes.delete(older);
    await bringUp(context);
  },
  // The DEL of the older one comes long after.
  async (context, older) => {
    await bringUp(context);
    await deferDels(context, older);
  },
];

/** Two new sandboxes of a pod come up at once. */
export async function race(context: StepContext): Promise<void> {
  const { stage, kubelet, slot, random } = context;
  const { home } = slot;
  slot.home = undefined;
  if (home !== undefined) await kubelet.takeDown(home);
  const pod = slot.pod ?? createPod(stage, slot, random);
  if (slot.allocated !== slot.generation) await allocate(stage, pod, slot.nics);
  slot.allocated = slot.generation;
  const older = await kubelet.createHome(pod, slot.nics);
  const coming = addAll(context, older, { excuse: superseded });
  await context.pause(60);
  await Promise.all([coming, bringUp(context)]);
  await giveUp(context, older);
}

/** The ADD of an older sandbox comes when the newer one is up: it must be told so. */
export async function lateAdd(context: StepContext): Promise<void> {
  const { stage, kubelet, slot, random } = context;
  const { home } = slot;
  slot.home = undefined;
  if (home !== undefined) await kubelet.takeDown(home);
  const pod = slot.pod ?? createPod(stage, slot, random);
  const older = await kubelet.createHome(pod, slot.nics);
  await bringUp(context);
  const newer = context.slot.home as Home | undefined;
  for (const nic of older.nics) {
    const answer = await kubelet.add(older, nic);
    const title = titleOf('late ADD', older, nic.ifName);
    if (answer.code === 0 && newer !== undefined && !nic.network.isIpam) {
      surprise(stage, `${title} succeeded beside ${newer.sandbox.containerId}`, answer);
    }
    expectSuccess(stage, title, answer, anyOf(superseded, disturbed));
  }
  if (newer !== undefined && !(await kubelet.checkAll(newer))) {
    slot.home = undefined;
    await kubelet.takeDown(newer);
  }
  await giveUp(context, older);
}

/** Another pod of the same name takes the place of a living one; calls for the older one come late. */
export async function replacePod(context: StepContext): Promise<void> {
  const { stage, kubelet, slot, random } = context;
  const { home } = slot;
  if (home === undefined || !slot.keepsName) return replaceSandbox(context);
  slot.home = undefined;
  const late = await kubelet.createHome(home.sandbox.pod, home.nics);
  await removePod(stage, slot);
  await bringUp(context);
  for (const nic of late.nics) {
    const answer = await kubelet.add(late, nic);
    expectSuccess(stage, titleOf('late ADD', late, nic.ifName), answer, anyOf(podGone, disturbed));
  }
  await giveUp(context, late);
  if (random.chance(0.5)) await kubelet.takeDown(home);
  else await deferDels(context, home);
}
