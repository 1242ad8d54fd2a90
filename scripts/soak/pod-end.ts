/** How pods go: in order, in any other order, and without a DEL. */

import { removePod, startDeletion } from './controller.ts';
import { anyOf, expectSuccess, killed, titleOf, withoutDatabase } from './excuses.ts';
import { deferDels } from './pod-start.ts';
import type { Home } from './pods.ts';
import type { StepContext } from './step-context.ts';

type PodEnd = (context: StepContext, home: Home) => Promise<void>;

/** Takes a slot's pod down in one of many ways. */
export async function end(context: StepContext): Promise<void> {
  const { slot, random } = context;
  const { home } = slot;
  if (home === undefined) return;
  slot.home = undefined;
  await random.pick(POD_ENDS)(context, home);
  if (!context.kubelet.homes.has(home)) slot.past = home;
}

const POD_ENDS: readonly PodEnd[] = [
  // As kubelet and its runtime do it.
  async ({ stage, kubelet, slot }, home) => {
    startDeletion(stage, home.sandbox.pod);
    await kubelet.takeDown(home);
    await removePod(stage, slot);
  },
  // `kubectl delete --force`.
  async ({ stage, kubelet, slot }, home) => {
    await removePod(stage, slot);
    await kubelet.takeDown(home);
  },
  // The namespace goes first.
  async ({ stage, kubelet, slot }, home) => {
    await kubelet.unmount(home);
    await kubelet.takeDown(home);
    await removePod(stage, slot);
  },
  // As the CNI specification allows where the namespace is gone.
  async ({ stage, kubelet, slot }, home) => {
    await removePod(stage, slot);
    await kubelet.unmount(home);
    await kubelet.delAll(home, { overrides: { CNI_NETNS: undefined } });
    kubelet.homes.delete(home);
  },
  // The runtime never says a word.
  async ({ stage, kubelet, slot }, home) => {
    await removePod(stage, slot);
    await kubelet.unmount(home);
    kubelet.homes.delete(home);
  },
  async ({ stage, kubelet, slot }, home) => {
    await kubelet.unmount(home);
    kubelet.homes.delete(home);
    await removePod(stage, slot);
  },
  // The namespace stays, too: only a GC can tell.
  async ({ stage, slot }, home) => {
    stage.journal.note(home.sandbox.containerId, 'forgotten by its runtime');
    home.isForgotten = true;
    await removePod(stage, slot);
  },
  // DELs come twice, at once.
  async ({ stage, kubelet, slot }, home) => {
    startDeletion(stage, home.sandbox.pod);
    await Promise.all([kubelet.delAll(home), kubelet.delAll(home)]);
    await kubelet.takeDown(home);
    await removePod(stage, slot);
  },
  // DELs come late.
  async (context, home) => {
    await removePod(context.stage, context.slot);
    await deferDels(context, home);
  },
];

/** The executable is killed in the middle of the DELs, which kubelet repeats. */
export async function endAndKill(context: StepContext, home: Home): Promise<void> {
  const { stage, kubelet, slot, random } = context;
  for (const nic of home.nics) {
    const answer = await kubelet.del(home, nic, { killAfterMs: random.below(40) });
    expectSuccess(stage, titleOf('DEL', home, nic.ifName), answer, anyOf(killed, withoutDatabase));
  }
  await kubelet.takeDown(home);
  await removePod(stage, slot);
}
