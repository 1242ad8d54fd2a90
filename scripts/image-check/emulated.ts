/**
 * An image of another processor, as far as that goes: its programs say what they are under qemu's
 * emulation of a process, each by itself. Containers, and what concerns the kernel (iptables-nft and ipset
 * ask it even for their versions), are not tried.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { outcomeOf } from '../../test/lab/command.ts';
import type { Outcomes } from './outcomes.ts';

/** By Docker's name of the processor. */
const EMULATORS: Readonly<Record<string, string>> = {
  arm64: 'qemu-aarch64-static',
  amd64: 'qemu-x86_64-static',
};

/** Programs of both images with arguments; a script is given to the image's node. */
const COMMON = [
  'usr/bin/ovs-vsctl --version', 'usr/bin/ovs-appctl --version', 'usr/bin/ovsdb-client --version',
  'usr/bin/ovn-nbctl --version', 'usr/bin/ovn-sbctl --version',
  'usr/bin/nsenter --version', 'usr/bin/bash --version', 'usr/bin/ss -V', 'usr/sbin/ethtool --version',
  'usr/bin/dumb-init --version',
]; // biome-ignore format: a table
const AGENT = [
  'kube-ovn/kube-ovn --version', 'usr/local/bin/node --version', 'kube-ovn/kube-ovn-cni.cjs --version',
  'kube-ovn/kube-ovn-controller.cjs --version', 'kube-ovn/kube-ovn-install.cjs --help',
  'usr/sbin/iptables-legacy --version', 'usr/bin/tcpdump --version', 'usr/bin/curl --version',
  'usr/bin/ndisc6 -V',
]; // biome-ignore format: a table
const OVN = [
  'usr/sbin/ovsdb-server --version', 'usr/sbin/ovs-vswitchd --version', 'usr/bin/ovsdb-tool --version',
  'usr/bin/ovn-northd --version', 'usr/bin/ovn-controller --version', 'usr/bin/ovn-trace --version',
]; // biome-ignore format: a table

interface ForeignImage {
  /** The archive's path. */
  readonly archive: string;
  readonly architecture: string;
  /** The image of the component ovn; else the agent's. */
  readonly isOvn: boolean;
}

/** @param folder where it may be unpacked */
export async function checkEmulated(
  { archive, architecture, isOvn }: ForeignImage,
  folder: string,
  outcomes: Outcomes,
): Promise<void> {
  const root = unpack(archive, folder);
  const emulator = EMULATORS[architecture];
  if (emulator === undefined) throw new Error(`no emulator for ${architecture}`);
  for (const words of [...COMMON, ...(isOvn ? OVN : AGENT)]) {
    const [program = '', ...args] = words.split(' ');
    const argv = program.endsWith('.cjs') ? ['usr/local/bin/node', program] : [program];
    await outcomes.check(`emulated: /${words}`, async () => {
      const command = ['-L', root, ...argv.map((path) => join(root, path)), ...args];
      const { exitCode, stdout, stderr } = await outcomeOf(emulator, command);
      if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${stderr}${stdout}`);
      return `${stdout}${stderr}`.split('\n').find((line) => line !== '');
    });
  }
  if (isOvn) return;
  await outcomes.check('emulated: VERSION of the CNI executable', async () => {
    const env = { ...process.env, CNI_COMMAND: 'VERSION' };
    const executable = join(root, 'kube-ovn/kube-ovn');
    const { stdout } = await outcomeOf(emulator, ['-L', root, executable], { env });
    const { cniVersion } = JSON.parse(stdout) as { cniVersion: string };
    return cniVersion;
  });
}

/** @returns the folder with the image's file system */
function unpack(archive: string, folder: string): string {
  const layout = join(folder, 'layout');
  const root = join(folder, 'root');
  for (const path of [layout, root]) mkdirSync(path, { recursive: true });
  execFileSync('tar', ['-C', layout, '-xf', archive]);
  const blob = (digest: string) => join(layout, 'blobs', digest.replace(':', '/'));
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Described;
  const [image] = read(join(layout, 'index.json')).manifests ?? [];
  const { layers = [] } = read(blob(image?.digest ?? ''));
  for (const { digest } of layers) {
    execFileSync('tar', ['-C', root, '--keep-directory-symlink', '-xzf', blob(digest)]);
  }
  return root;
}

interface Described {
  readonly manifests?: readonly { readonly digest: string }[];
  readonly layers?: readonly { readonly digest: string }[];
}
