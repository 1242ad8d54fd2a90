/**
 * What is kept of a Namespace: where its pods have their primary addresses from. Pure.
 */
import { rawFields, readQuietly } from '../../../../common/fields.ts';
import { projectMeta } from '../../../model/meta.ts';

/** What is kept of a Namespace. */
export interface Namespace {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  /** Names of Subnets, in order; Kube-OVN's controller writes them. */
  readonly subnets: readonly string[];
  /** Names of IPPools, in order; likewise. */
  readonly ipPools: readonly string[];
}

/** A raw Namespace as the API server sends it; what has a wrong type counts as absent. */
export function projectNamespace(raw: unknown): Namespace {
  const metadata = readQuietly(rawFields(raw).metadata);
  const annotations = metadata.textMap('annotations');
  const list = (name: string) =>
    (annotations.get(`ovn.kubernetes.io/${name}`) ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  return {
    name: projectMeta(raw).name,
    labels: metadata.textMap('labels'),
    subnets: list('logical_switch'),
    ipPools: list('ip_pool'),
  };
}
