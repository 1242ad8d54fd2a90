/**
 * Paths of the API server: the only place where they are made. Names come from people, and some from
 * pods' authors: each is one segment, whatever is in it.
 */

/** A kind of object, by its plural: `{ group: 'kubeovn.io', version: 'v1', resource: 'ips' }`. */
export interface Kind {
  /** Empty for the core of the API. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** A kind as people name it, and as roles do. */
export interface Resource {
  readonly group: string;
  readonly resource: string;
}

/** `/apis/kubeovn.io/v1/ips`, or `/api/v1/namespaces/default/pods`. */
export function collectionPath({ group, version, resource }: Kind, namespace?: string): string {
  const root = group === '' ? ['api', version] : ['apis', group, version];
  const inside = namespace === undefined ? [] : ['namespaces', namespace];
  return pathOf([...root, ...inside, resource]);
}

/** `/apis/kubeovn.io/v1/ips/web-0.default`. */
export function objectPath(kind: Kind, name: string, namespace?: string): string {
  return `${collectionPath(kind, namespace)}${pathOf([name])}`;
}

/** An object or a sub-resource below a path: `below('/api/v1/nodes', 'node-1', 'status')`. */
export function below(path: string, ...segments: readonly string[]): string {
  return `${path}${pathOf(segments)}`;
}

/**
 * @throws TypeError for a segment that no encoding makes one: an URL takes `..` for its parent, also
 *   where the points are encoded
 */
function pathOf(segments: readonly string[]): string {
  return segments.map((segment) => `/${encodeSegment(segment)}`).join('');
}

function encodeSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') {
    throw new TypeError(`${JSON.stringify(segment)} is no name of an object in Kubernetes`);
  }
  return encodeURIComponent(segment.toWellFormed());
}

/** Which kind a collection's path is of; for messages. */
export function resourceOf(path: string): Resource {
  const segments = path.split('/').slice(1);
  const group = segments[0] === 'apis' ? (segments[1] ?? '') : '';
  const rest = segments.slice(segments[0] === 'apis' ? 3 : 2);
  const resource = rest[0] === 'namespaces' && rest.length > 2 ? rest[2] : rest[0];
  return { group, resource: resource ?? '' };
}

/** As kubectl takes it: `ips.kubeovn.io`, `pods`. */
export function resourceName({ group, resource }: Resource): string {
  return group === '' ? resource : `${resource}.${group}`;
}

const kubeOvn = (resource: string): Kind => ({ group: 'kubeovn.io', version: 'v1', resource });
const core = (resource: string): Kind => ({ group: '', version: 'v1', resource });

/** The kinds of which single objects are read or written. */
export const KINDS = {
  pods: core('pods'),
  nodes: core('nodes'),
  events: core('events'),
  services: core('services'),
  ips: kubeOvn('ips'),
  subnets: kubeOvn('subnets'),
  vlans: kubeOvn('vlans'),
  providerNetworks: kubeOvn('provider-networks'),
  leases: { group: 'coordination.k8s.io', version: 'v1', resource: 'leases' },
  virtualMachines: { group: 'kubevirt.io', version: 'v1', resource: 'virtualmachines' },
  virtualMachineInstances: {
    group: 'kubevirt.io',
    version: 'v1',
    resource: 'virtualmachineinstances',
  },
} as const satisfies Record<string, Kind>;
