/**
 * Events: what is said on a Pod, a Subnet or an IPPool. Reasons and forms of messages are
 * Kube-OVN's, which people and dashboards look for. Pure.
 */
import type { ObjectEvent } from '../../common/kubernetes/event-object.ts';
import type { Outcome } from './conditions.ts';

export type { ObjectEvent } from '../../common/kubernetes/event-object.ts';

/** What was done for a pod. docs/events.md says of each event what it means. */
export const NETWORK_REASONS = [
  'PodNetworkAllocated',
  'PodNetworkUpdated',
  'PodNetworkReleased',
] as const;
/** Reason of an event about what was done for a pod. */
export type NetworkReason = (typeof NETWORK_REASONS)[number];

/** What could not be done, or not all of it. */
export const FAILURES = [
  'AcquireAddressFailed',
  'PodNetworkUpdateFailed',
  'ValidatePodNetworkFailed',
  'CreateOVNPortFailed',
  /** Only ours: part of what the pod asks for is not done, and the rest is. */
  'PodNetworkNotSupported',
  /** Only ours: an annotation means nothing as it is written. */
  'PodAnnotationIgnored',
  /** Only ours: a NIC lists a SecurityGroup that is not there. */
  'SecurityGroupNotFound',
  'VpcNotSupported',
  'SubnetNotSupported',
  /** Only ours: a field of a Subnet means nothing as it is written. */
  'SubnetFieldIgnored',
  'IPPoolNotSupported',
  'ValidateNadFailed',
  'ReconcileVpcFailed',
  'ReconcileSecurityGroupFailed',
  /** Only ours: an older Vlan of the provider network has the id. */
  'VlanConflict',
] as const;
/** Reason of an event about something that failed. */
export type FailureReason = (typeof FAILURES)[number];

/** @param stage the step that failed, in Kube-OVN's words: `acquireAddress` */
export function failureEvent(reason: FailureReason, stage: string, error: string): ObjectEvent {
  return { type: 'Warning', reason, message: `stage=${stage} error=${error}` };
}

/** On a Subnet or an IPPool, when its conditions change. */
export function outcomeEvent({ reason, message }: Outcome): ObjectEvent {
  const type = message === undefined ? 'Normal' : 'Warning';
  return { type, reason, message: message ?? '' };
}
