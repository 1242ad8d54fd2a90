/** What tests of the installer start with, and what they look at. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { EXECUTABLES } from '../../src/installer/executables.ts';
import { findFile } from '../../src/installer/file-facts.ts';

/** What init container install-cni runs in Kube-OVN's charts v1 and v2, in both modes of each. */
export const CHART_INSTALL = [
  '/kube-ovn/install-cni.sh',
  '--cni-conf-dir=/etc/cni/net.d',
  '--cni-conf-file=/kube-ovn/01-kube-ovn.conflist',
  '--cni-conf-name=01-kube-ovn.conflist',
];

/** The names in a folder, sorted. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).sort();
}

/** The version of each executable that is whole; the test fails for one that is not. */
export async function wholeVersions(folder: string): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const name of EXECUTABLES) {
    const found = await findFile(join(folder, name));
    if (found.kind === 'absent') continue;
    expect(found, name).toMatchObject({ kind: 'file', isRunnable: true, isExecutable: true });
    if (found.kind !== 'file') continue;
    // The mark is what is written last.
    expect(found.mark?.digest, `${name} is torn`).toBe(found.digest);
    versions[name] = found.mark?.version ?? '';
  }
  return versions;
}

/** `wholeVersions` of an installation that came to its end. */
export function allOf(version: string): Record<string, string> {
  return Object.fromEntries(EXECUTABLES.map((name) => [name, version]));
}
