/**
 * Puts this project's own part of an image together: programs, scripts, runtimes, licences. It is a
 * step of Dockerfile:
 *
 *   node scripts/image/programs.ts <agent|ovn> <node_modules of the runtimes> <folder>
 *
 * Modes and times are set here, so that they do not depend on the checkout's.
 */
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { licences } from './licences.ts';
import { readLock } from './lock-file.ts';
import { setTimes } from './times.ts';

const ROOT = join(import.meta.dirname, '../..');

const [target, modules, folder] = process.argv.slice(2);
if (folder === undefined || modules === undefined) {
  throw new Error('usage: programs.ts <agent|ovn> <node_modules> <folder>');
}
if (target === 'agent') agent(modules, folder);
else if (target === 'ovn') ovn(folder);
else throw new Error(`programs.ts: expected agent or ovn: ${target}`);
setTimes(folder, readLock().snapshot);

function agent(modules: string, folder: string): void {
  const [node] = globSync('node-linux-*/bin/node', { cwd: modules });
  if (node === undefined) throw new Error(`${modules} has no package node-linux-*`);
  place(join(modules, node), join(folder, 'usr/local/bin/node'));
  for (const path of globSync('dist/kube-ovn{,-*.cjs,-*.code.{js,cache}}', { cwd: ROOT })) {
    place(join(ROOT, path), join(folder, 'kube-ovn', basename(path)));
  }
  for (const path of globSync('image/*', { cwd: ROOT })) {
    const isFile = statSync(join(ROOT, path)).isFile() && !path.endsWith('.lock');
    if (isFile) place(join(ROOT, path), join(folder, 'kube-ovn', basename(path)));
  }
  // Without the ending, and where a shell in the container finds them.
  for (const name of ['kube-ovn-cni', 'kube-ovn-controller']) {
    symlinkSync(`${name}.cjs`, join(folder, 'kube-ovn', name));
    link(`../../kube-ovn/${name}.cjs`, join(folder, 'usr/bin', name));
  }
  // What the daemon runs before what a shell finds: another arping has the first place in PATH.
  link('/usr/bin/arping', join(folder, 'kube-ovn/tools/arping'));
  mkdirSync(join(folder, 'kube-ovn/licenses'), { recursive: true });
  for (const [name, text] of licences(ROOT, modules)) {
    writeFileSync(join(folder, 'kube-ovn/licenses', name), text);
  }
}

function ovn(folder: string): void {
  for (const path of globSync('image/ovn/*', { cwd: ROOT })) {
    place(join(ROOT, path), join(folder, 'kube-ovn/ovn', basename(path)));
  }
}

/** Copies a file; what can be run may be run by all, and nobody but root may write. */
function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
  const start = readFileSync(from).subarray(0, 4).toString('latin1');
  chmodSync(to, start.startsWith('#!') || start === '\x7fELF' ? 0o755 : 0o644);
}

function link(to: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(to, path);
}
