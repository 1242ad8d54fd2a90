/**
 * All of a node's network that a CNI installation could change, as values that tests compare: what
 * another primary network relies on.
 */
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.ts';

export interface HostSnapshot {
  readonly links: readonly Named[];
  readonly addresses: readonly Named[];
  readonly routes: readonly string[];
  readonly rules: readonly string[];
  /** Of nftables and of iptables-nft; without counters. */
  readonly nft: string;
  readonly iptablesLegacy: string;
  readonly ipsets: string;
  /** By name, like `net.ipv4.ip_forward`. */
  readonly settings: Readonly<Record<string, string>>;
  /** Type, mode and content of each file of the folders that were asked for. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Named {
  readonly ifname: string;
  readonly [key: string]: unknown;
}

/** These count what happens. */
const COUNTERS = ['net.netfilter.nf_conntrack_count'];

/** @param folders whose files are part of it, with those below */
export async function hostSnapshot(folders: readonly string[]): Promise<HostSnapshot> {
  const lines = async (...args: string[]) =>
    (await command('ip', args))
      .split('\n')
      .filter((line) => line.trim() !== '')
      .sort();
  return {
    links: (await named('-d', 'link')).map(withoutWhatOvsChanges),
    addresses: (await named('address')).map(({ ifname, addr_info }) => ({ ifname, addr_info })),
    routes: [
      ...(await lines('-4', 'route', 'show', 'table', 'all')),
      ...(await lines('-6', 'route', 'show', 'table', 'all')),
    ],
    rules: [...(await lines('-4', 'rule')), ...(await lines('-6', 'rule'))],
    nft: await command('nft', ['--stateless', 'list', 'ruleset']),
    iptablesLegacy: await readFile('/proc/net/ip_tables_names', 'utf8').catch(() => ''),
    ipsets: await command('ipset', ['save']),
    settings: await settings(),
    files: Object.fromEntries((await Promise.all(folders.map(filesBelow))).flat().sort()),
  };
}

/** Without the settings that each interface has of its own: they come and go with it. */
export function nodeSettings({ settings }: HostSnapshot): HostSnapshot['settings'] {
  const isOfInterface = /^net\.ipv[46]\.(conf|neigh)\.(?!all\.|default\.)/;
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !isOfInterface.test(name)));
}

async function named(...args: string[]): Promise<Named[]> {
  return JSON.parse(await command('ip', ['-j', ...args]));
}

/** A bridge of OVS's has MAC and MTU of its ports. */
function withoutWhatOvsChanges(link: Named): Named {
  return /^(br-|ovs-)/.test(link.ifname) ? { ifname: link.ifname } : link;
}

async function settings(): Promise<Record<string, string>> {
  const root = '/proc/sys/net';
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const found = entries
    .filter((entry) => entry.isFile())
    .map(async ({ parentPath, name }): Promise<[string, string]> => {
      const path = join(parentPath, name);
      const key = path.slice('/proc/sys/'.length).replaceAll('/', '.');
      // Some can only be written, and some need another namespace.
      return [key, await readFile(path, 'utf8').catch(({ code }) => String(code))];
    });
  const values = await Promise.all(found);
  return Object.fromEntries(values.filter(([name]) => !COUNTERS.includes(name)).sort());
}

async function filesBelow(folder: string): Promise<[string, string][]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return await Promise.all(
    entries.map(async (entry): Promise<[string, string]> => {
      const path = join(entry.parentPath, entry.name);
      const mode = ((await lstat(path)).mode & 0o177777).toString(8);
      const content = entry.isFile() ? digest(await readFile(path)) : '';
      return [path, `${mode} ${content}`.trim()];
    }),
  );
}

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
