/**
 * What the controller keeps of a Node: the addresses that no pod may have, whether its kubelet is
 * there, and what its daemon says of provider networks. Pure.
 */
import type { Address } from '../../../../common/address.ts';
import { parseAddress } from '../../../../common/address.ts';
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { type ProviderNode, providerNetworkOfKey } from '../../../../common/provider-network.ts';
import { projectMeta } from '../../../model/meta.ts';

/** What is kept of a Node. */
export interface Node extends ProviderNode {
  /** Its InternalIPs. */
  readonly internalAddresses: readonly Address[];
  /** Its kubelet says so, and was heard of lately (condition `Ready`). */
  readonly isReady: boolean;
  /** Annotations about provider networks: how older versions of Kube-OVN were told of exceptions. */
  readonly networkAnnotations: ReadonlyMap<string, string>;
}

/** A raw Node as the API server sends it; what is no address is left out. */
export function projectNode(raw: unknown): Node {
  const { metadata, status: rawStatus } = rawFields(raw);
  const [said, status] = [readQuietly(metadata), readQuietly(rawStatus)];
  const annotations = [...said.textMap('annotations')];
  return {
    name: projectMeta(raw).name,
    labels: said.textMap('labels'),
    networkAnnotations: new Map(
      annotations.filter(([key]) => providerNetworkOfKey(key) !== undefined),
    ),
    internalAddresses: status
      .parts('addresses')
      .filter((entry) => entry.text('type') === 'InternalIP')
      .flatMap((entry) => parseAddress(entry.text('address')) ?? []),
    isReady: status
      .parts('conditions')
      .some((entry) => entry.text('type') === 'Ready' && entry.text('status') === 'True'),
  };
}
