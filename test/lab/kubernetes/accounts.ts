/**
 * Whom the fake API server knows: the administrator, as whom tests act, and the two programs with
 * the roles that they have in a real cluster, and no right more.
 */
import { accountOf } from './manifest-roles.ts';
import type { Account } from './rbac.ts';

/** May do everything, as a member of system:masters. */
export const ADMIN: Account = {
  user: 'kubernetes-admin',
  grants: [
    {
      rules: [
        { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
        { nonResourceURLs: ['*'], verbs: ['*'] },
      ],
    },
  ],
};

/** Who bears no token. */
export const ANONYMOUS: Account = { user: 'system:anonymous', grants: [] };

/** The controller as deploy/base installs it. */
export const CONTROLLER: Account = accountOf('kube-ovn-controller');

/** The daemon as deploy/base installs it. */
export const DAEMON: Account = accountOf('kube-ovn-cni');

/** True for the two above, and for no copy of them: what those ask for has to be granted. */
export function isInstalled(account: Account): boolean {
  return account === CONTROLLER || account === DAEMON;
}
