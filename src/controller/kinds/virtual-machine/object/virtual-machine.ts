/**
 * What is kept of KubeVirt's objects: machines, which keep their addresses while they are stopped, and
 * their running instances. Pure.
 */

import { rawFields, readQuietly } from '../../../../common/fields.ts';
import type { MachineInstance } from '../../../../common/virtual-machine.ts';
import { projectMeta } from '../../../model/meta.ts';

/** What is kept of a VirtualMachine: its pods may come back for as long as it is there. */
export interface VirtualMachine {
  readonly namespace: string;
  readonly name: string;
  readonly deleting: boolean;
}

/** A raw VirtualMachine as the API server sends it. */
export function projectVirtualMachine(raw: unknown): VirtualMachine {
  const { name, deleting } = projectMeta(raw);
  return { namespace: readQuietly(rawFields(raw).metadata).text('namespace'), name, deleting };
}

/**
 * A raw VirtualMachineInstance as the API server sends it: which pods are its own (`status.activePods`, by
 * UID).
 */
export function projectMachineInstance(raw: unknown): MachineInstance {
  const { metadata, status } = rawFields(raw);
  const { name, uid, deleting } = projectMeta(raw);
  const listed = readQuietly(status).textMap('activePods');
  return {
    namespace: readQuietly(metadata).text('namespace'),
    name,
    uid,
    deleting,
    activePods: listed.size === 0 ? undefined : new Set(listed.keys()),
  };
}
