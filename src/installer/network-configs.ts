/**
 * The node's CNI configurations: which there are, and whose. A runtime takes the first by name
 * whose name ends as `EXTENSIONS` says (libcni, ConfFiles); so does Multus for the default network.
 */
import { constants } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

/**
 * - `kube-ovn`: the type kube-ovn is in it;
 * - `multus`: it hands over to other configurations;
 * - `loopback`: no network of pods;
 * - `other`: another network's, or unreadable, which may be another network's.
 */
export type Owner = 'kube-ovn' | 'multus' | 'loopback' | 'other';

export interface NetworkConfig {
  readonly file: string;
  readonly owner: Owner;
  /** Parsed JSON; undefined where it is none. */
  readonly content: unknown;
}

const EXTENSIONS = /\.(conf|conflist|json)$/;
const MULTUS = ['multus', 'multus-shim'];
/** More is no configuration. */
const BYTES_MAX = 1024 * 1024;

/** The configurations of a folder in the order of their names. @throws Error where there is no folder */
export async function readNetworkConfigs(folder: string): Promise<NetworkConfig[]> {
  const files = (await readdir(folder)).filter((file) => EXTENSIONS.test(file)).sort();
  const configs: NetworkConfig[] = [];
  for (const file of files) {
    const path = join(folder, file);
    const found = await stat(path).catch(() => undefined);
    // Multus keeps a folder there, too.
    if (found?.isDirectory()) continue;
    const content = found?.isFile() ? parseJson(await readBounded(path)) : undefined;
    configs.push({ file, owner: ownerOf(content), content });
  }
  return configs;
}

/** True for names that a runtime looks at. */
export function isConfigName(name: string): boolean {
  return EXTENSIONS.test(name);
}

/** A file's text; undefined where it cannot be read or is too long. */
export async function readBounded(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    return size > BYTES_MAX ? undefined : await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

export function parseJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

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
