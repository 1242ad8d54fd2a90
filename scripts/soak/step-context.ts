/** What a step gets: the stage, a slot that no other step has meanwhile, and choices. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubelet } from './kubelet.ts';
import type { Slot } from './pods.ts';
import type { Random } from './random.ts';
import type { Stage } from './stage.ts';

export class StepContext {
  readonly stage: Stage;
  readonly kubelet: Kubelet;
  readonly slot: Slot;
  readonly random: Random;

  constructor(parts: { stage: Stage; kubelet: Kubelet; slot: Slot; random: Random }) {
    this.stage = parts.stage;
    this.kubelet = parts.kubelet;
    this.slot = parts.slot;
    this.random = parts.random;
  }

  /** Until a random moment: what is to happen in the middle of something has to hit it. */
  async pause(msMax: number): Promise<void> {
    await sleep(this.random.below(msMax));
  }
}
