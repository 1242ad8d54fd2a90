/**
 * The kinds of objects that the API server double serves, and the paths they are served under.
 */

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
    fields: ['status.phase'],
  },
  { apiVersion: 'v1', plural: 'events', kind: 'Event', namespaced: true, fields: eventFields },
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

/** What a path names: a collection, an object, or an object's status. */
export interface Target {
  readonly kind: Kind;
  /** Empty for kinds without namespaces and for a collection over all namespaces. */
  readonly namespace: string;
  /** Empty for a collection. */
  readonly name: string;
  readonly isStatus: boolean;
}

/** Reads a path like `/apis/kubeovn.io/v1/subnets/join`; undefined where nothing is there. */
export function parsePath(path: string): Target | undefined {
  const segments = path.split('/').slice(1).map(decodeURIComponent);
  const root = segments.shift();
  if (root !== 'api' && root !== 'apis') return undefined;
  const apiVersion = segments.splice(0, root === 'api' ? 1 : 2).join('/');
  const known = (plural: string | undefined) =>
    kinds.find((kind) => kind.apiVersion === apiVersion && kind.plural === plural);

  // `/namespaces/x/pods` is about pods, `/namespaces/x` and `/namespaces/x/status` about x. The
  // core group alone has namespaces as objects; every group has them as a prefix.
  const inNamespace = segments[0] === 'namespaces' ? known(segments[2]) : undefined;
  if (inNamespace?.namespaced) {
    const [, namespace = '', , name = '', subresource] = segments;
    return target(inNamespace, { namespace, name, subresource, length: segments.length - 2 });
  }
  const kind = known(segments[0]);
  const [, name = '', subresource] = segments;
  // Of namespaced kinds this path has only the collection.
  if (kind === undefined || (kind.namespaced && name !== '')) return undefined;
  return target(kind, { namespace: '', name, subresource, length: segments.length });
}

function target(
  kind: Kind,
  parts: { namespace: string; name: string; subresource: string | undefined; length: number },
): Target | undefined {
  const { namespace, name, subresource, length } = parts;
  if (length > 3) return undefined;
  if (subresource !== undefined && !(subresource === 'status' && kind.hasStatus)) return undefined;
  return { kind, namespace, name, isStatus: subresource === 'status' };
}

/** The kind of that name. @throws Error for one that is not in the table */
export function kindNamed(name: string): Kind {
  const found = kinds.find(({ kind }) => kind === name);
  if (found === undefined) throw new Error(`the API server double has no kind ${name}`);
  return found;
}
