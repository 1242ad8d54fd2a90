/** The pods of the hostile soak: who is honest, and what runs. */
import type { RunningPod } from '../../../test/lab/kubelet.ts';
import type { PodIdentity } from '../../../test/lab/workloads.ts';

export interface HonestPod {
  readonly running: RunningPod;
  /** Name that its logical switch port begins with: the pod's, or its virtual machine's. */
  readonly workload: string;
}

export interface HostilePod {
  readonly pod: PodIdentity;
  /** Settles when its latest sandbox is up, or has been given up. */
  started: Promise<void>;
  /** Undefined as long as no sandbox of it is up. */
  running: RunningPod | undefined;
}

export class Population {
  readonly honest: HonestPod[] = [];
  readonly hostile: HostilePod[] = [];
  #count = 0;

  /** A name that no pod had before: the names of sandboxes are made of it. */
  name(prefix: string): string {
    this.#count += 1;
    return `${prefix}-${this.#count}`;
  }

  /** All sandboxes that are up. */
  get running(): readonly RunningPod[] {
    const hostile = this.hostile.flatMap(({ running }) => (running === undefined ? [] : [running]));
    return [...this.honest.map(({ running }) => running), ...hostile];
  }
}
