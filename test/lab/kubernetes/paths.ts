/**
 * Paths of the fake API server: what they name, and what of that is there. Pure functions.
 */
import { type Kind, kinds } from './kinds.ts';

/**
 * What a path asks for, whether or not the server has it: that decides who may ask, before anybody
 * learns whether there is such a kind (k8s.io/apiserver, RequestInfo).
 */
export interface Resource {
  readonly apiVersion: string;
  readonly plural: string;
  /** Empty for kinds without namespaces and for a collection over all namespaces. */
  readonly namespace: string;
  /** Empty for a collection. */
  readonly name: string;
  /** Empty for the object itself; what is behind it too, with slashes. */
  readonly subresource: string;
}

/** What a path names: a collection, an object, or an object's status. */
export interface Target {
  readonly kind: Kind;
  /** See Resource. */
  readonly namespace: string;
  readonly name: string;
  readonly isStatus: boolean;
}

/** Reads a path like `/apis/kubeovn.io/v1/subnets/join`; undefined for one without a resource. */
export function resourceOf(path: string): Resource | undefined {
  const segments = segmentsOf(path);
  const root = segments.shift();
  if (root !== 'api' && root !== 'apis') return undefined;
  const apiVersion = segments.splice(0, root === 'api' ? 1 : 2).join('/');
  // `/namespaces/x/pods` is about pods, `/namespaces/x` and `/namespaces/x/status` about x.
  const [first, second = '', third] = segments;
  const isWithin = first === 'namespaces' && third !== undefined && third !== 'status';
  const namespace = isWithin ? second : '';
  const [plural = '', name = '', ...rest] = isWithin ? segments.slice(2) : segments;
  if (plural === '') return undefined;
  return { apiVersion, plural, namespace, name, subresource: rest.join('/') };
}

/** What is there under a path; undefined for nothing. @param without kinds that the server lacks */
export function targetOf(
  resource: Resource,
  without: ReadonlySet<string> = new Set(),
): Target | undefined {
  const { apiVersion, plural, namespace, name, subresource } = resource;
  const kind = kinds.find((one) => one.apiVersion === apiVersion && one.plural === plural);
  if (kind === undefined || without.has(kind.kind)) return undefined;
  // A namespaced kind has no objects outside of namespaces, and a path over all of them no object.
  const isPlaced = kind.namespaced ? namespace !== '' || name === '' : namespace === '';
  if (!isPlaced) return undefined;
  if (subresource !== '' && !(subresource === 'status' && kind.hasStatus)) return undefined;
  return { kind, namespace, name, isStatus: subresource === 'status' };
}

/** The parts of a path; those that cannot be decoded as they are. */
function segmentsOf(path: string): string[] {
  const segments = path.split('/').slice(1);
  try {
    return segments.map(decodeURIComponent);
  } catch {
    return segments;
  }
}
