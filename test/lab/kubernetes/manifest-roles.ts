/**
 * Roles as deploy/base grants them: the rules that are bound to the ServiceAccount of a workload
 * there, by the bindings that are there.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { loadAll } from 'js-yaml';
import type { Account, Grant, PolicyRule } from './rbac.ts';

const FOLDER = new URL('../../../deploy/base/', import.meta.url);

/** What is read of an object, whatever its kind. */
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  /** Of roles. */
  readonly rules?: readonly PolicyRule[];
  /** Of bindings. */
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace: string;
  }[];
  /** Of workloads. */
  readonly spec?: {
    readonly template?: { readonly spec: { readonly serviceAccountName: string } };
  };
}

const manifests = readdirSync(FOLDER)
  .filter((file) => file !== 'kustomization.yaml')
  .flatMap((file) => loadAll(readFileSync(new URL(file, FOLDER), 'utf8')) as Manifest[]);

/**
 * The account that the pods of a workload have.
 * @throws Error where it has none, or where a binding names a role that is not there
 */
export function accountOf(workload: string): Account {
  const found = manifests.find(
    ({ metadata, spec }) => metadata.name === workload && spec?.template !== undefined,
  );
  const name = found?.spec?.template?.spec.serviceAccountName;
  const namespace = found?.metadata.namespace;
  const account = manifests.find(
    ({ kind, metadata }) =>
      kind === 'ServiceAccount' && metadata.name === name && metadata.namespace === namespace,
  );
  if (account === undefined) throw new Error(`deploy/base has no ServiceAccount of ${workload}`);
  const grants = manifests
    .filter(({ subjects = [] }) =>
      subjects.some(
        (subject) =>
          subject.kind === 'ServiceAccount' &&
          subject.name === name &&
          subject.namespace === namespace,
      ),
    )
    .map(grantOf);
  return { user: `system:serviceaccount:${namespace}:${name}`, grants };
}

function grantOf({ kind, metadata, roleRef }: Manifest): Grant {
  const role = manifests.find(
    (one) =>
      one.kind === roleRef?.kind &&
      one.metadata.name === roleRef.name &&
      one.metadata.namespace === (roleRef.kind === 'Role' ? metadata.namespace : undefined),
  );
  if (role?.rules === undefined) throw new Error(`${kind} ${metadata.name} binds no role`);
  const { namespace } = metadata;
  return kind === 'RoleBinding' && namespace !== undefined
    ? { namespace, rules: role.rules }
    : { rules: role.rules };
}
