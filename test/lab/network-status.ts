/**
 * What Multus writes on a pod about its interfaces (Network Custom Resource Definition De-facto
 * Standard, 5). Pure.
 */
import type { Request } from './multus.ts';
import type { CniResult } from './runtime.ts';

export const NETWORK_STATUS_ANNOTATION = 'k8s.v1.cni.cncf.io/network-status';

export interface NetworkStatus {
  /** `namespace/name` of the network, or the name of the cluster's own. */
  readonly name: string;
  readonly interface?: string;
  /** Without prefix lengths. */
  readonly ips?: readonly string[];
  readonly mac?: string;
  readonly mtu?: number;
  readonly default?: true;
  readonly gateway?: readonly string[];
  readonly dns: object;
}

/** The element for one interface, of the result of its ADD. */
export function networkStatus(request: Request, result: CniResult): NetworkStatus {
  const { interfaces = [], ips = [], routes = [], dns = {} } = result;
  // A plugin like bridge tells of its links on the node, too.
  const inPod = interfaces.find(({ sandbox }) => sandbox !== undefined && sandbox !== '');
  const gateways = routes.filter(({ dst }) => dst.endsWith('/0')).flatMap(({ gw }) => gw ?? []);
  return {
    name: request.network,
    ...(inPod && { interface: inPod.name }),
    ...(ips.length > 0 && { ips: ips.map(({ address }) => address.split('/')[0] ?? '') }),
    ...(inPod?.mac && { mac: inPod.mac }),
    ...(inPod?.mtu && { mtu: inPod.mtu }),
    ...(request.isDefault && { default: true as const }),
    ...(gateways.length > 0 && { gateway: gateways }),
    dns,
  };
}

/** The annotation's text. */
export function networkStatusText(statuses: readonly NetworkStatus[]): string {
  return JSON.stringify(statuses, null, 4);
}

/** What a pod's annotation says; nothing where it is not there. */
export function networkStatusesOf(
  annotations: Readonly<Record<string, string>> = {},
): NetworkStatus[] {
  return JSON.parse(annotations[NETWORK_STATUS_ANNOTATION] ?? '[]');
}
