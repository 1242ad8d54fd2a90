/**
 * The licences of what is bundled in the programs: npm's packages, node, and bun in the executable.
 * Those of Debian's packages are where Debian has them, /usr/share/doc/<package>/copyright.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

interface LockedModule {
  readonly dev?: boolean;
  readonly optional?: boolean;
}

/** bun's npm package has no text of its licence: it is MIT's, and of what is in it its README tells. */
const BUN = `bun (https://bun.sh), the runtime in the executable kube-ovn, is under the MIT licence; it holds
JavaScriptCore of WebKit, under LGPL-2, and other libraries:
https://bun.sh/docs/project/licensing
`;

/** @returns names of files with their texts, sorted */
export function licences(root: string, modules: string): [string, string][] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Readonly<Record<string, LockedModule>>;
  };
  const bundled = Object.entries(packages)
    .filter(([path, { dev, optional }]) => path !== '' && dev !== true && optional !== true)
    .map(([path]) => path)
    .sort();
  const [node] = globSync('node-linux-*/LICENSE', { cwd: modules });
  if (node === undefined) throw new Error(`${modules} has no licence of node`);
  return [
    ['bun.txt', BUN],
    ['node.txt', readFileSync(join(modules, node), 'utf8')],
    ['npm-packages.txt', bundled.map((path) => licenceOf(join(root, path))).join('\n')],
  ];
}

function licenceOf(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const { name, version, license = 'not named' } = manifest;
  const files = globSync('{LICEN[SC]E,COPYING,NOTICE}*', { cwd: folder }).sort();
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return [`== ${name} ${version}: ${license}`, ...texts, ''].join('\n');
}
