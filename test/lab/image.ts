/** A folder with what our image has for the installer, of any version; and the installer from there. */
import { globSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { REFERENCE_PLUGINS } from '../../src/installer/executables.ts';
import { withMark } from '../../src/installer/mark.ts';
import { type CommandOptions, type Outcome, outcomeOf } from './command.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DIST = join(ROOT, 'dist');
/** Where Debian has the reference plugins. */
export const DEBIAN_PLUGINS = '/usr/lib/cni';

export class ImageFolder {
  /** Like /kube-ovn in the image. */
  readonly folder: string;
  /** Like the image's root, which has the reference plugins. */
  readonly pluginFolder: string;

  private constructor(folder: string) {
    this.folder = join(folder, 'kube-ovn');
    this.pluginFolder = folder;
  }

  /** @param version of all executables in it */
  static async create(folder: string, version: string): Promise<ImageFolder> {
    const image = new ImageFolder(folder);
    await mkdir(image.folder, { recursive: true });
    for (const name of await readdir(join(ROOT, 'image'))) {
      await cp(join(ROOT, 'image', name), join(image.folder, name), { recursive: true });
    }
    for (const path of globSync('kube-ovn-*.{cjs,code.js,code.cache}', { cwd: DIST })) {
      await copyFile(join(DIST, path), join(image.folder, path));
    }
    await copyMarked(DIST, image.folder, 'kube-ovn', version);
    for (const name of REFERENCE_PLUGINS) {
      await copyMarked(DEBIAN_PLUGINS, folder, name, version);
    }
    return image;
  }

  /** Runs a script of the image. @param flags beside that for the plugins' folder */
  run(
    script: 'install-cni.sh' | 'uninstall',
    flags: readonly string[],
    options: CommandOptions = {},
  ): Promise<Outcome> {
    const plugins = script === 'install-cni.sh' ? [`--plugin-dir=${this.pluginFolder}`] : [];
    return outcomeOf(join(this.folder, script), [...plugins, ...flags], options);
  }
}

async function copyMarked(from: string, to: string, name: string, version: string): Promise<void> {
  const marked = withMark(await readFile(join(from, name)), name, version);
  await writeFile(join(to, name), marked, { mode: 0o755 });
}
