/**
 * Whom the API server double knows: the administrator, as whom tests act, and the two programs with
 * the roles that they have in a real cluster, and no right more.
 */
import { readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import type { Account, Grant, PolicyRule } from './rbac.ts';

const DEPLOYMENT = new URL('../../../deploy/controller.yaml', import.meta.url);

/** May do everything, as a member of system:masters. */
export const ADMIN: Account = {
  user: 'kubernetes-admin',
  grants: [{ rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] }],
};

/** Who bears no token. */
export const ANONYMOUS: Account = { user: 'system:anonymous', grants: [] };

/** What deploy/controller.yaml grants. */
export const CONTROLLER: Account = {
  user: 'system:serviceaccount:kube-system:kube-ovn-controller',
  grants: grantsOf(readFileSync(DEPLOYMENT, 'utf8')),
};

/**
 * What Kube-OVN's charts (v1.17) grant the node daemon: ClusterRole system:kube-ovn-cni. The
 * daemon takes the place of theirs, so that it has this role until deploy/ has one. Beside it what
 * ours makes use of where it has it: list and watch of ips, by which an IP object that comes late is
 * seen at once, and get of virtualmachineinstances, by which a VM's launcher is known. Tests that do without are in test/node/forged.test.ts. Rules about
 * objects that this daemon has nothing to do with are left out: services, ovn-eips, token reviews,
 * certificates and service CIDRs.
 */
export const DAEMON: Account = {
  user: 'system:serviceaccount:kube-system:kube-ovn-cni',
  grants: [
    {
      rules: [
        {
          apiGroups: ['kubeovn.io'],
          resources: ['subnets', 'vlans', 'provider-networks'],
          verbs: ['get', 'list', 'watch'],
        },
        {
          apiGroups: [''],
          resources: ['nodes', 'nodes/status', 'pods'],
          verbs: ['get', 'list', 'patch', 'watch'],
        },
        {
          apiGroups: ['kubeovn.io'],
          resources: ['ips'],
          verbs: ['get', 'list', 'update', 'watch'],
        },
        { apiGroups: ['kubevirt.io'], resources: ['virtualmachineinstances'], verbs: ['get'] },
        { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch', 'update'] },
        { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] },
      ],
    },
  ],
};

interface Role {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
  readonly rules?: readonly PolicyRule[];
}

/** The roles in a manifest; each is bound where it is. */
function grantsOf(manifest: string): Grant[] {
  return (loadAll(manifest) as Role[]).flatMap(({ kind, metadata, rules }) => {
    if (rules === undefined) return [];
    return kind === 'Role' && metadata.namespace !== undefined
      ? [{ namespace: metadata.namespace, rules }]
      : [{ rules }];
  });
}
