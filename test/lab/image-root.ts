/**
 * A container of our image as far as files go: a root of its own, with the programs, scripts and
 * reference plugins at the paths of the image, and the node's folders at those of Kube-OVN's charts. It
 * is in the mount namespace of the test, and goes with it. (The image itself runs in `npm run
 * image:check`.)
 */
import { mkdir, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, type Outcome, outcomeOf } from './command.ts';
import { ImageFolder } from './image.ts';

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
}

export class ImageRoot {
  readonly root: string;
  /** What programs are started with. */
  readonly environment = { PATH: '/node:/usr/sbin:/usr/bin:/sbin:/bin' };

  private constructor(root: string) {
    this.root = root;
  }

  /** @param root a folder to be made; /run must be a mount of the test's own */
  static async create(root: string, version: string): Promise<ImageRoot> {
    await mkdir(root, { recursive: true });
    await command('mount', ['-t', 'tmpfs', 'tmpfs', root]);
    for (const folder of ['usr', 'proc', 'dev']) await bind(folder, root);
    for (const link of ['bin', 'sbin', 'lib', 'lib64']) {
      await symlink(await readlink(`/${link}`), join(root, link));
    }
    for (const folder of ['etc/cni/net.d', 'opt/cni/bin', 'tmp', 'node', 'var/log']) {
      await mkdir(join(root, folder), { recursive: true });
    }
    await symlink('/run', join(root, 'var/run'));
    await writeFile(join(root, 'node/node'), '');
    await command('mount', ['--bind', process.execPath, join(root, 'node/node')]);
    await ImageFolder.create(root, version);
    // Namespaces that the runtime mounts later are seen in here, too: mountPropagation: HostToContainer.
    await command('mount', ['--make-rshared', '/run']);
    await bind('run', root);
    await command('mount', ['--make-rslave', join(root, 'run')]);
    return new ImageRoot(root);
  }

  /** The node's folder of CNI executables. */
  get binDir(): string {
    return join(this.root, 'opt/cni/bin');
  }

  /** The node's folder of CNI configurations. */
  get confDir(): string {
    return join(this.root, 'etc/cni/net.d');
  }

  /** A command and its words as they are run in here. */
  within(words: readonly string[]): string[] {
    return ['chroot', this.root, ...words];
  }

  /** Runs a command of a manifest to its end. */
  async run(words: readonly string[], { environment = {} }: RunOptions = {}): Promise<Outcome> {
    const [file = '', ...args] = this.within(words);
    return await outcomeOf(file, args, { env: { ...this.environment, ...environment } });
  }
}

async function bind(folder: string, root: string): Promise<void> {
  await mkdir(join(root, folder));
  await command('mount', ['--rbind', `/${folder}`, join(root, folder)]);
}
