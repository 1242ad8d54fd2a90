/**
 * Objects, for events about them.
 */
import { type EventObject, podReference } from '../../common/kubernetes/events.ts';
import type { Meta } from './meta.ts';

/** What tells an object in a namespace from all others. */
interface Identity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Kinds of Kube-OVN's own API on whose objects events are recorded. */
export type OwnKind = 'Subnet' | 'Vpc' | 'Vlan' | 'IPPool' | 'IP' | 'SecurityGroup';

/** A pod, for events about it. */
export function aboutPod({ namespace, name, uid }: Identity): EventObject {
  return podReference({ namespace, name, uid });
}

/** An object of ours, for events about it. */
export function aboutOwn(kind: OwnKind, { name, uid }: Meta): EventObject {
  return { apiVersion: 'kubeovn.io/v1', kind, name, uid };
}

/** A NetworkAttachmentDefinition, for events about it. */
export function aboutNad({ namespace, name, uid }: Identity): EventObject {
  const apiVersion = 'k8s.cni.cncf.io/v1';
  return { apiVersion, kind: 'NetworkAttachmentDefinition', namespace, name, uid };
}
