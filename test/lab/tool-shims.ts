/**
 * Shims in front of the tools that the daemon runs, so that a test sees each of its child processes
 * start, and kills somebody at exactly that one: tool-shim.sh under the names of all tools, in the
 * only folder of the daemon's PATH. A tool that is not listed here cannot run at all: none is missed.
 */
import {
  access,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { command } from './command.ts';

const SHIM = resolve(import.meta.dirname, 'tool-shim.sh');
/** What the daemon starts; tools that it starts in a pod's namespace are nsenter's. */
const TOOLS = ['ip', 'ovs-vsctl', 'nsenter'];
/** What it starts other tools by, so that they die with it. */
const UNTOUCHED = ['setpriv'];

/**
 * What happens at a call:
 * - `before`: the process is killed, the tool does not run;
 * - `orphan`: the process is killed, then the tool runs;
 * - `after`: the tool runs to its end, then the process is killed, without its output;
 * - `hold`: the tool runs when the test releases it;
 * - `fail`: the tool runs to its end, and still fails; so do all calls that are meant after it, and do
 *   nothing, until `disarm`. No process is killed.
 */
export type Crash = 'before' | 'orphan' | 'after' | 'hold' | 'fail';

export interface CrashPlan {
  /** Name of a call: tool (`nsenter-` and the tool in the pod) and a count: `nsenter-ip.1`. */
  readonly call: string;
  readonly how: Crash;
  /** Process to kill. */
  readonly pid: number;
}

export class ToolShims {
  /** What the daemon's PATH must be. */
  readonly path: string;
  readonly #directory: string;
  #released: FileHandle | undefined;

  private constructor(directory: string) {
    this.#directory = directory;
    this.path = join(directory, 'bin');
  }

  /** @param directory is made, and is this object's alone */
  static async install(directory: string): Promise<ToolShims> {
    const bin = join(directory, 'bin');
    await mkdir(bin, { recursive: true });
    await writeFile(join(directory, 'path'), `${process.env.PATH}\n`);
    await command('mkfifo', [join(directory, 'held'), join(directory, 'released')]);
    for (const name of TOOLS) await symlink(SHIM, join(bin, name));
    for (const name of UNTOUCHED) await symlink(await find(name), join(bin, name));
    await symlink(process.execPath, join(bin, 'node'));
    return new ToolShims(directory);
  }

  /**
   * From now on calls are recorded that have one of `words` in their arguments or input; whatever
   * else the daemon does meanwhile is not meant.
   * @param plan what to do at one of them
   */
  async arm(words: readonly string[], plan?: CrashPlan): Promise<void> {
    const { pid = 0, call = 'none', how = 'none' } = plan ?? {};
    await this.#mend();
    await this.#released?.close();
    this.#released = undefined;
    await rm(join(this.#directory, 'calls'), { recursive: true, force: true });
    await mkdir(join(this.#directory, 'calls'));
    const unfinished = join(this.#directory, 'arming');
    await writeFile(unfinished, [pid, call, how, ...words, ''].join('\n'));
    await rename(unfinished, join(this.#directory, 'armed'));
  }

  /** Ends `arm`; returns the names of the calls that were recorded. */
  async disarm(): Promise<string[]> {
    await this.#mend();
    return (await readdir(join(this.#directory, 'calls'))).sort();
  }

  async #mend(): Promise<void> {
    for (const name of ['armed', 'broken']) {
      await rm(join(this.#directory, name), { force: true });
    }
  }

  /** Resolves when the planned call is held. */
  async held(): Promise<void> {
    await readFile(join(this.#directory, 'held'));
  }

  /** Lets a held call go on, unless the daemon has ended it. */
  async release(): Promise<void> {
    // Opened in both directions a FIFO waits for nobody, and keeps what is written.
    this.#released = await open(join(this.#directory, 'released'), 'r+');
    await this.#released.write('\n');
  }
}

async function find(name: string): Promise<string> {
  for (const directory of (process.env.PATH ?? '').split(':')) {
    const path = join(directory, name);
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  throw new Error(`no ${name} in ${process.env.PATH}`);
}
