/**
 * The kinds of objects that the fake API server serves, and the paths they are served under.
 */

import type { NameRule } from './name-rules.ts';

/** A kind of object: one line of the table below. */
export interface Kind {
  /** `v1`, or `<group>/<version>`. */
  readonly apiVersion: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced?: true;
  /** Status is written under `/status` only, and everything else only outside of it. */
  readonly hasStatus?: true;
  /** A DELETE waits for the node's agent. */
  readonly graceful?: true;
  /** How its objects are named; DNS subdomains without it. */
  readonly nameRule?: NameRule;
  /** Field selectors besides the object's name and namespace. */
  readonly fields?: readonly string[];
}

const podFields = ['spec.nodeName', 'spec.restartPolicy', 'status.phase', 'status.podIP'];
const eventFields = ['involvedObject.kind', 'involvedObject.name', 'involvedObject.uid', 'reason'];
const kubeOvn = 'kubeovn.io/v1';

export const kinds: readonly Kind[] = [
  {
    apiVersion: 'v1',
    plural: 'pods',
    kind: 'Pod',
    namespaced: true,
    hasStatus: true,
    graceful: true,
    fields: podFields,
  },
  {
    apiVersion: 'v1',
    plural: 'nodes',
    kind: 'Node',
    hasStatus: true,
    fields: ['spec.unschedulable'],
  },
  {
    apiVersion: 'v1',
    plural: 'namespaces',
    kind: 'Namespace',
    hasStatus: true,
    nameRule: 'label',
    fields: ['status.phase'],
  },
  {
    apiVersion: 'v1',
    plural: 'events',
    kind: 'Event',
    namespaced: true,
    nameRule: 'path segment',
    fields: eventFields,
  },
  {
    apiVersion: 'v1',
    plural: 'services',
    kind: 'Service',
    namespaced: true,
    hasStatus: true,
    nameRule: 'label',
  },
  { apiVersion: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true },
  {
    apiVersion: 'apps/v1',
    plural: 'deployments',
    kind: 'Deployment',
    namespaced: true,
    hasStatus: true,
  },
  {
    apiVersion: 'apps/v1',
    plural: 'statefulsets',
    kind: 'StatefulSet',
    namespaced: true,
    hasStatus: true,
  },
  { apiVersion: 'coordination.k8s.io/v1', plural: 'leases', kind: 'Lease', namespaced: true },
  { apiVersion: kubeOvn, plural: 'subnets', kind: 'Subnet', hasStatus: true },
  { apiVersion: kubeOvn, plural: 'vpcs', kind: 'Vpc', hasStatus: true },
  { apiVersion: kubeOvn, plural: 'vlans', kind: 'Vlan', hasStatus: true },
  { apiVersion: kubeOvn, plural: 'provider-networks', kind: 'ProviderNetwork', hasStatus: true },
  { apiVersion: kubeOvn, plural: 'ips', kind: 'IP' },
  { apiVersion: kubeOvn, plural: 'ippools', kind: 'IPPool', hasStatus: true },
  { apiVersion: kubeOvn, plural: 'security-groups', kind: 'SecurityGroup', hasStatus: true },
  {
    apiVersion: 'kubevirt.io/v1',
    plural: 'virtualmachines',
    kind: 'VirtualMachine',
    namespaced: true,
    hasStatus: true,
  },
  {
    apiVersion: 'kubevirt.io/v1',
    plural: 'virtualmachineinstances',
    kind: 'VirtualMachineInstance',
    namespaced: true,
    // KubeVirt's definition has no subresource for it.
  },
  {
    apiVersion: 'k8s.cni.cncf.io/v1',
    plural: 'network-attachment-definitions',
    kind: 'NetworkAttachmentDefinition',
    namespaced: true,
  },
];

/** True for kinds that the server knows from a CustomResourceDefinition. */
export function isCustom({ apiVersion }: Kind): boolean {
  const group = apiVersion.split('/')[0] ?? '';
  // The server's own groups have no dot, or end so: `apps`, `coordination.k8s.io`.
  return group.includes('.') && !group.endsWith('.k8s.io');
}

/** True for kinds that are replaced only by what says which version it replaces. */
export function needsVersion(kind: Kind): boolean {
  return isCustom(kind) || kind.kind === 'Lease';
}

/** The kind of that name. @throws Error for one that is not in the table */
export function kindNamed(name: string): Kind {
  const found = kinds.find(({ kind }) => kind === name);
  if (found === undefined) throw new Error(`the fake API server has no kind ${name}`);
  return found;
}
