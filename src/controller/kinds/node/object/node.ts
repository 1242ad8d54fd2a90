/**
 * What the controller keeps of a Node: the addresses that no pod may have, and whether its kubelet is
 * there. Pure.
 */
import type { Address } from '../../../../common/address.ts';
import { parseAddress } from '../../../../common/address.ts';
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { projectMeta } from '../../../model/meta.ts';

export interface Node {
  readonly name: string;
  /** Its InternalIPs. */
  readonly internalAddresses: readonly Address[];
  /** Its kubelet says so, and was heard of lately (condition `Ready`). */
  readonly isReady: boolean;
}

export function projectNode(raw: unknown): Node {
  const status = readQuietly(rawFields(raw).status);
  return {
    name: projectMeta(raw).name,
    internalAddresses: status
      .parts('addresses')
      .filter((entry) => entry.text('type') === 'InternalIP')
      .flatMap((entry) => parseAddress(entry.text('address')) ?? []),
    isReady: status
      .parts('conditions')
      .some((entry) => entry.text('type') === 'Ready' && entry.text('status') === 'True'),
  };
}
