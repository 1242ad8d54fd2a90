/**
 * Tools that are broken for as long as a test likes: broken-tool.sh under the names of some, in front
 * of the real ones in the daemon's PATH.
 */
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const SCRIPT = resolve(import.meta.dirname, 'broken-tool.sh');

/**
 * - `hang`: a wrapper whose child holds its pipes and does nothing;
 * - `flood`: a wrapper whose child writes without end;
 * - `garbage`: ends well, and prints what the tool never prints;
 * - `commit-and-hang`: does what it was told, and then as `hang`.
 */
export type Breakage = 'hang' | 'flood' | 'garbage' | 'commit-and-hang';

export class BrokenTools {
  /** What the daemon's PATH must be. */
  readonly path: string;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = `${join(directory, 'bin')}:${process.env.PATH}`;
  }

  /** @param directory is made, and is this object's alone */
  static async install(directory: string, tools: readonly string[]): Promise<BrokenTools> {
    const bin = join(directory, 'bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(directory, 'path'), `${process.env.PATH}\n`);
    for (const tool of tools) await symlink(SCRIPT, join(bin, tool));
    return new BrokenTools(directory);
  }

  /** Runs that begin from now on are broken so. */
  async breakTool(tool: string, how: Breakage): Promise<void> {
    const unfinished = join(this.#directory, `.${tool}`);
    await writeFile(unfinished, `${how}\n`);
    await rename(unfinished, join(this.#directory, tool));
  }

  async mend(tool: string): Promise<void> {
    await rm(join(this.#directory, tool), { force: true });
  }
}
