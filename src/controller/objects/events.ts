/**
 * Events: what is said on a Pod, a Subnet or an IPPool. Reasons and forms of messages are
 * Kube-OVN's, which people and dashboards look for. Pure.
 */
import { type AllocatedNic, addressesText } from './allocated-nic.ts';
import type { Outcome } from './conditions.ts';

export interface ObjectEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export type NetworkNews =
  | 'PodNetworkAllocated'
  | 'PodNetworkUpdated'
  | 'PodNetworkReleased'
  | 'PodSecurityUpdated';

export type PodFailure =
  | 'AcquireAddressFailed'
  | 'PodNetworkAllocationFailed'
  | 'PodNetworkUpdateFailed'
  | 'ValidatePodNetworkFailed'
  | 'GetVlanInfoFailed'
  | 'CreateOVNPortFailed'
  | 'SetOVNPortL2ForwardFailed'
  | 'PodNetworkReleaseFailed'
  | 'PodSecurityUpdateFailed'
  /** Only ours: part of what the pod asks for is not done, and the rest is. */
  | 'PodNetworkNotSupported';

/** The API server takes no longer message (events.k8s.io/v1, "note"), in bytes. */
const MESSAGE_BYTES_MAX = 1024;

/** What was done for these NICs of a pod. */
export function networkEvent(reason: NetworkNews, nics: readonly AllocatedNic[]): ObjectEvent {
  const message = nics
    .map(({ provider, subnet, addresses, mac = '', port }) => {
      const ip = addressesText(addresses);
      return `provider=${provider} subnet=${subnet.name} ip=${ip} mac=${mac} logicalSwitchPort=${port}`;
    })
    .join('; ');
  return { type: 'Normal', reason, message: bounded(message) };
}

/** @param stage the step that failed, in Kube-OVN's words: `acquireAddress` */
export function failureEvent(reason: PodFailure, stage: string, error: string): ObjectEvent {
  return { type: 'Warning', reason, message: bounded(`stage=${stage} error=${error}`) };
}

/** On a Subnet or an IPPool, when its conditions change. */
export function outcomeEvent({ reason, message }: Outcome): ObjectEvent {
  const type = message === undefined ? 'Normal' : 'Warning';
  return { type, reason, message: bounded(message ?? '') };
}

function bounded(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MESSAGE_BYTES_MAX) return message;
  const ellipsis = '…';
  const room = MESSAGE_BYTES_MAX - Buffer.byteLength(ellipsis);
  // A character may be cut in two.
  return `${bytes.subarray(0, room).toString().replace(/�+$/, '')}${ellipsis}`;
}
