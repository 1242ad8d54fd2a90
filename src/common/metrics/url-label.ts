/**
 * The label that says which objects a request to the API server was about: their collection, without
 * namespace and name, of which there is no end.
 */
import { resourceOf } from '../kubernetes/path.ts';

/** @returns `/apis/kubeovn.io/v1/ips` for `/apis/kubeovn.io/v1/ips/web-0.shop` */
export function urlLabel(path: string): string {
  const segments = path.split('/');
  const root = segments.slice(0, segments[1] === 'apis' ? 4 : 3);
  return [...root, resourceOf(path).resource].join('/');
}
