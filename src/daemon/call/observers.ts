/**
 * Who observes what the daemon does, for metrics. The code that does it knows only this.
 */
import type { ErrorCode } from './error.ts';
import type { CallStages, Stage } from './stage.ts';

/** A CNI call that was answered. */
export interface CallSeen {
  /** Of the socket: `/api/v1/add`; `other` for one that nobody knows. */
  readonly path: string;
  /** `ADD`; `other` likewise. */
  readonly verb: string;
  /** Of HTTP. */
  readonly status: number;
  /** From its arrival to its answer. */
  readonly ms: number;
  /** How long it was in which stage. */
  readonly stages?: CallStages | undefined;
  /** Why it failed. */
  readonly failure?: { readonly code: ErrorCode; readonly stage: Stage | undefined } | undefined;
}

/** What shows that something which is removed without a DEL is nobody's any more. */
export const REMOVAL_PROOFS = ['sandbox-gone', 'not-valid', 'no-port'] as const;
/**
 * - `sandbox-gone`: nothing is mounted at the namespace's path, and the node has no link of the port.
 * - `not-valid`: the runtime's list of valid attachments of the network does not have it (GC).
 * - `no-port`: limits that no port has, with the marks of attachments.
 */
export type RemovalProof = (typeof REMOVAL_PROOFS)[number];

/** None of them may throw. */
export interface Observers {
  call(call: CallSeen): void;
  removed(proof: RemovalProof, count: number): void;
}
