/** Whose the node's CNI configurations are. */
import { isDeepStrictEqual } from 'node:util';
import { type CniConfiguration, configurationsIn } from '../common/cni-configurations.ts';

/**
 * - `kube-ovn`: the type kube-ovn is in it;
 * - `multus`: it hands over to other configurations;
 * - `loopback`: no network of pods;
 * - `other`: another network's, or unreadable, which may be another network's.
 */
export type Owner = 'kube-ovn' | 'multus' | 'loopback' | 'other';

/** A CNI configuration, and whose it is. */
export interface NetworkConfig extends CniConfiguration {
  readonly owner: Owner;
}

const MULTUS = ['multus', 'multus-shim'];

/**
 * The configurations of a folder in the order of their names.
 * @param resolve the path by which this process reaches one, where that is another
 * @throws Error where there is no folder
 */
export function readNetworkConfigs(
  folder: string,
  resolve?: (path: string) => string,
): NetworkConfig[] {
  return [...configurationsIn(folder, resolve)].map((found) => ({
    ...found,
    owner: ownerOf(found.content),
  }));
}

/** Whose a configuration is, by the types of its plugins. */
export function ownerOf(content: unknown): Owner {
  const types = pluginTypes(content);
  if (types.includes('kube-ovn')) return 'kube-ovn';
  if (types.some((type) => MULTUS.includes(type))) return 'multus';
  return types.length > 0 && types.every((type) => type === 'loopback') ? 'loopback' : 'other';
}

/** The types of a configuration's plugins: of one alone, or of a list. */
function pluginTypes(content: unknown): string[] {
  const { plugins, type } = fieldsOf(content);
  const listed = Array.isArray(plugins) ? plugins.map((plugin) => fieldsOf(plugin).type) : [type];
  return listed.filter((each) => typeof each === 'string');
}

function fieldsOf(value: unknown): { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** True for the same JSON, however it is written. */
export function isSameConfig(a: unknown, b: unknown): boolean {
  return a !== undefined && isDeepStrictEqual(a, b);
}
