/**
 * What Kube-OVN's charts (v1.17, the same in both) grant the controller: ClusterRole system:ovn. Rules
 * about objects that this controller has nothing to do with are left out.
 */
import type { Account, PolicyRule } from './rbac.ts';

const RULES: readonly PolicyRule[] = [
  {
    apiGroups: ['kubeovn.io'],
    resources: [
      'vpcs',
      'vpcs/status',
      'subnets',
      'subnets/status',
      'ippools',
      'ippools/status',
      'ips',
      'vlans',
      'vlans/status',
      'provider-networks',
      'provider-networks/status',
      'security-groups',
      'security-groups/status',
    ],
    verbs: ['create', 'get', 'list', 'update', 'patch', 'watch', 'delete'],
  },
  { apiGroups: [''], resources: ['pods', 'namespaces'], verbs: ['get', 'list', 'patch', 'watch'] },
  { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'patch', 'update', 'watch'] },
  {
    apiGroups: ['k8s.cni.cncf.io'],
    resources: ['network-attachment-definitions'],
    verbs: ['get', 'list', 'watch'],
  },
  {
    apiGroups: ['apps'],
    resources: ['statefulsets'],
    verbs: ['get', 'list', 'create', 'delete', 'update'],
  },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'update'] },
  {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['create', 'update', 'patch', 'get', 'watch'],
  },
  {
    apiGroups: ['kubevirt.io'],
    resources: ['virtualmachines', 'virtualmachineinstances'],
    verbs: ['get', 'list', 'watch'],
  },
  { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
  { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
];

/** The controller in the place of Kube-OVN's. */
export const CHART_CONTROLLER: Account = {
  user: 'system:serviceaccount:kube-system:ovn',
  grants: [{ rules: RULES }],
};
