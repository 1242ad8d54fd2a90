/**
 * What an image's bytes are spent on, in groups of files, and whether docs/image.md says the same: the
 * table there is for people who ask why the image is so large.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArchivedFile } from '../image/oci-archive.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/image.md');
/** A build of other sources or packages is a little larger or smaller; MB. */
const TOLERANCE_MB = 2;

/** A file belongs to the first group whose pattern its path has. */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ['node', /^usr\/local\/bin\/node$/],
  ['CNI executable `kube-ovn`, with bun in it', /^kube-ovn\/kube-ovn$/],
  ['licences and copyright files', /^(kube-ovn\/licenses|usr\/share\/(doc|common-licenses))\//],
  ['daemon, controller, installer and scripts', /^(kube-ovn|usr\/bin\/kube-ovn)/],
  ['reference plugins for the node', /^(loopback|portmap|macvlan|ipvlan)$/],
  ['clients of OVS and OVN', /^usr\/(s?bin\/(ovs|ovn)|share\/(openvswitch|ovn)\/)/],
  ['iptables and ipset', /^usr\/(sbin\/(ip6?tables|xtables|ipset|nfnl)|lib\/[^/]+\/(xtables|libx?tables|libip[46]tc|libipset|libnf))/],
  ['shared libraries', /^usr\/lib(64)?\//],
  ['shell, iproute2, tools that `kubectl ko` runs', /^usr\/s?bin\//],
  ['everything else', /^/],
]; // biome-ignore format: a table

export interface GroupSize {
  readonly name: string;
  readonly megabytes: number;
}

export function groupSizes(files: readonly ArchivedFile[]): GroupSize[] {
  const sums = new Map<string, number>(GROUPS.map(([name]) => [name, 0]));
  for (const { path, bytes } of files) {
    const [name] = GROUPS.find(([, pattern]) => pattern.test(path)) ?? ['everything else'];
    sums.set(name, (sums.get(name) ?? 0) + bytes);
  }
  return [...sums].map(([name, bytes]) => ({ name, megabytes: bytes / 1e6 }));
}

/** Rows as docs/image.md has them. */
export function sizeTable(sizes: readonly GroupSize[]): string {
  return sizes.map(({ name, megabytes }) => `| ${name} | ${megabytes.toFixed(1)} |`).join('\n');
}

/** @throws Error with the right table where the document's says something else */
export function compareWithDocument(sizes: readonly GroupSize[]): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const wrong = sizes.filter(({ name, megabytes }) => {
    const row = text.split('\n').find((line) => line.startsWith(`| ${name} | `));
    const said = Number(row?.split('|')[2]);
    return !(Math.abs(said - megabytes) <= TOLERANCE_MB);
  });
  if (wrong.length === 0) return;
  const names = wrong.map(({ name }) => name).join(', ');
  throw new Error(`docs/image.md is wrong about ${names}; the table is now:\n${sizeTable(sizes)}`);
}
