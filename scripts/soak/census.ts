/** What is on the node, and what of it nobody answers for. */
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { deletionsOf } from '../../src/wire/paths.ts';
import { command } from '../../test/lab/command.ts';
import { SOCKET } from '../../test/lab/daemon.ts';
import type { OvnNode } from '../../test/lab/ovn-node.ts';
import { type Home, keyOf } from './pods.ts';

/** Something on the node that calls can leave. */
export interface Finding {
  readonly what: 'port' | 'QoS' | 'Queue' | 'link' | 'namespace' | 'record' | 'file';
  /** Unique among findings of its kind. */
  readonly name: string;
  /** `container id/interface`, where it says so. */
  readonly key: string | undefined;
  readonly externalIds: Readonly<Record<string, string>>;
}

/** Everything that calls can have made. */
export async function takeCensus(node: OvnNode): Promise<Finding[]> {
  const [ports, qos, queues, links, namespaces, records, files] = await Promise.all([
    rows(node, 'port', 'Interface', 'name'),
    rows(node, 'QoS', 'QoS', '_uuid'),
    rows(node, 'Queue', 'Queue', '_uuid'),
    findLinks(),
    readdir('/run/netns'),
    readdir(deletionsOf(SOCKET)),
    readdir(dirname(SOCKET)),
  ]);
  return [
    ...ports,
    ...qos,
    ...queues,
    ...links,
    ...namespaces.map((name) => finding('namespace', name)),
    ...records.map((name) => finding('record', name)),
    ...files.filter(isOfDaemon).map((name) => finding('file', name)),
  ];
}

/**
 * What neither was there before nor belongs to a sandbox that still has to be taken down: leaks, once
 * the node has come to rest. Of an attachment each kind is there once.
 * @param homes all sandboxes that a runtime, a DEL or a GC will yet speak of
 */
export function unexplained(
  found: readonly Finding[],
  before: readonly Finding[],
  homes: Iterable<Home>,
): Finding[] {
  const known = new Set(before.map(({ what, name }) => `${what} ${name}`));
  const mounted = [...homes].filter(({ isMounted }) => isMounted);
  const namespaces = new Set(mounted.map(({ sandbox }) => sandbox.netnsName));
  const expected = new Set(mounted.flatMap(keysOf));
  return found.filter(({ what, name, key }) => {
    if (known.has(`${what} ${name}`)) return false;
    if (what === 'namespace') return !namespaces.has(name);
    // The first of each kind is explained, the second is not.
    return key === undefined || !takeFrom(expected, what, key);
  });
}

function keysOf(home: Home): string[] {
  const standing = home.nics.filter(({ ifName }) => !home.gone.has(ifName));
  const kinds = ['port', 'QoS', 'Queue', 'link'];
  return standing.flatMap((nic) => kinds.map((what) => `${what} ${keyOf(home, nic)}`));
}

function takeFrom(expected: Set<string>, what: string, key: string): boolean {
  return expected.delete(`${what} ${key}`);
}

function finding(
  what: Finding['what'],
  name: string,
  externalIds: Readonly<Record<string, string>> = {},
): Finding {
  const { container_id: containerId, if_name: ifName } = externalIds;
  const key = containerId === undefined ? undefined : `${containerId}/${ifName}`;
  return { what, name, key, externalIds };
}

/** Rows of a table of OVS. */
async function rows(
  node: OvnNode,
  what: Finding['what'],
  table: string,
  nameColumn: string,
): Promise<Finding[]> {
  const columns = `--columns=${nameColumn},external_ids`;
  const output = await node.vsctl('--format=json', columns, 'list', table);
  const { data } = JSON.parse(output) as { data: [unknown, ['map', [string, string][]]][] };
  return data.map(([name, [, ids]]) => finding(what, `${name}`, Object.fromEntries(ids)));
}

/** Links of the node; the daemon marks its own with an alias `kube-ovn/<container id>/<name>/…`. */
async function findLinks(): Promise<Finding[]> {
  const links = JSON.parse(await command('ip', ['-j', 'link'])) as {
    ifname: string;
    ifalias?: string;
  }[];
  return links.map(({ ifname, ifalias = '' }) => {
    const [prefix, containerId, ifName] = ifalias.split('/');
    const isMarked = prefix === 'kube-ovn' && containerId !== undefined && ifName !== undefined;
    return finding('link', ifname, isMarked ? { container_id: containerId, if_name: ifName } : {});
  });
}

/** OVS's and OVN's programs leave files of their own beside the socket when they are killed. */
function isOfDaemon(file: string): boolean {
  return file.includes('kube-ovn') || /^\.[0-9a-f]+$/.test(file);
}
