/**
 * The pods of the soak and their sandboxes: what kubelet and runtime know of them. A slot is a place
 * for one pod at a time.
 */
import type { CniResult, Sandbox } from '../../test/lab/runtime.ts';
import type { Nic } from './networks.ts';

/** A sandbox as its runtime knows it. */
export interface Home {
  readonly sandbox: Sandbox;
  readonly nics: readonly Nic[];
  /** What ADDs answered, by interface. */
  readonly results: Map<string, CniResult>;
  /** Interfaces of which nothing may be left: a DEL or a GC succeeded, or the ADD failed. */
  readonly gone: Set<string>;
  /** Its network namespace is mounted. */
  isMounted: boolean;
  /** The runtime will never DEL it, nor call it valid in a GC. */
  isForgotten: boolean;
}

export interface Slot {
  readonly place: number;
  /** Its pods all have the same name, like those of a StatefulSet. */
  readonly keepsName: boolean;
  pod: Sandbox['pod'] | undefined;
  nics: readonly Nic[];
  /** The sandbox in which the pod runs; all of its interfaces work. */
  home: Home | undefined;
  /** Sandboxes whose DEL is owed. */
  readonly owed: Home[];
  /** A sandbox that is gone. */
  past: Home | undefined;
  /** Number of its pod. */
  generation: number;
  /** Number of the last pod that addresses were allocated to. */
  allocated: number;
}

export function createSlots(count: number): Slot[] {
  return Array.from({ length: count }, (_, place) => ({
    place,
    keepsName: place % 2 === 0,
    pod: undefined,
    nics: [],
    home: undefined,
    owed: [],
    past: undefined,
    generation: 0,
    allocated: 0,
  }));
}

/** What names an attachment: the key that its rows, its link and its alias carry. */
export function keyOf({ sandbox }: Home, { ifName }: Nic): string {
  return `${sandbox.containerId}/${ifName}`;
}
