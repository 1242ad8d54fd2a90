/**
 * What we keep of this node's Node object.
 */
import { parseAddress } from '../../common/address.ts';

/** The labels, addresses and annotations of this node that concern its tunnels. */
export interface Node {
  readonly labels: Readonly<Record<string, string>>;
  /** InternalIP, as the node's kubelet reports it; the first where there is one of each family. */
  readonly internalAddress?: string;
  /** What the chassis annotation says. */
  readonly chassis?: string;
  /** Device of the tunnels on this node, as its annotation has it. */
  readonly tunnelInterface?: string;
  /** Tunnel address of each node network, as the `node_networks` annotation has it. */
  readonly nodeNetworks: Readonly<Record<string, string>>;
}

/** OVN's chassis on this node, which is OVS's system-id. */
export const CHASSIS_ANNOTATION = 'ovn.kubernetes.io/chassis';
const TUNNEL_INTERFACE_ANNOTATION = 'ovn.kubernetes.io/tunnel_interface';
const NODE_NETWORKS_ANNOTATION = 'ovn.kubernetes.io/node_networks';

/** A raw Node as the API server sends it. Node networks that cannot be read count as none. */
export function projectNode(raw: unknown): Node {
  const { metadata, status } = raw as {
    metadata: { labels?: Record<string, string>; annotations?: Record<string, string> };
    status?: { addresses?: { type: string; address: string }[] };
  };
  const internal = status?.addresses?.find(({ type }) => type === 'InternalIP');
  const chassis = metadata.annotations?.[CHASSIS_ANNOTATION];
  const tunnelInterface = metadata.annotations?.[TUNNEL_INTERFACE_ANNOTATION] || undefined;
  return {
    ...(internal === undefined ? {} : { internalAddress: internal.address }),
    labels: { ...metadata.labels },
    ...(chassis === undefined ? {} : { chassis }),
    ...(tunnelInterface === undefined ? {} : { tunnelInterface }),
    nodeNetworks: parseNodeNetworks(metadata.annotations?.[NODE_NETWORKS_ANNOTATION]),
  };
}

/** Anything but a JSON object of addresses counts as no node networks. */
function parseNodeNetworks(text: string | undefined): Record<string, string> {
  const networks: Record<string, string> = Object.create(null);
  if (!text) return networks;
  try {
    for (const [name, address] of Object.entries(JSON.parse(text) ?? {})) {
      const parsed = typeof address === 'string' ? parseAddress(address) : undefined;
      if (parsed) networks[name] = parsed.text;
    }
  } catch {
    return networks;
  }
  return networks;
}
