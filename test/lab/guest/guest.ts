/**
 * A guest: a Linux kernel that has what the machine's may lack (802.1Q devices, bonds, dummy, netem, Open vSwitch's
 * datapath), as a process of the machine. It is Debian's user-mode-linux, which needs neither /dev/kvm nor an image of
 * a disk: its root is the machine's own file system, which it cannot change (init.sh).
 *
 * A guest runs one program and ends. The program finds this checkout at its path, the project's node, all commands of
 * the machine, and a network that has nothing but `lo`. It may use all of test/lab: for that it is inside
 * (namespaces.ts). What it does is the test's; what it finds out it returns, and the test compares it out here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { abortable, startDeadline } from '../../../src/common/concurrency/deadline.ts';

/** The default export of a module that runs in a guest. */
export type GuestProgram<Result> = () => Promise<Result>;

/** What main.ts writes. */
export type Answer = { readonly value: unknown } | { readonly error: string };

export interface GuestOptions {
  /** The guest's memory; MiB. It is taken from /dev/shm as the guest needs it. */
  readonly memoryMib?: number;
  /** For all, boot included; ms. */
  readonly timeoutMs?: number;
}

const KERNEL = '/usr/bin/linux.uml';
const MEMORY_MIB = 768;
/** On a machine that has much else to do a guest takes several times its processor time. */
const TIMEOUT_MS = 300_000;
/** For a hook of vitest's that runs a guest; ms. */
export const GUEST_HOOK_MS_MAX = TIMEOUT_MS + 30_000;
/** The end of the console that an error quotes; characters. */
const CONSOLE_MAX = 8_000;

/**
 * Why there are no guests on this machine; undefined where there are. scripts/setup.sh installs the package where
 * Debian has it. What is left out for that is told.
 */
export const whyNoGuest: string | undefined = (() => {
  if (existsSync(KERNEL)) return undefined;
  const reason = 'needs the package user-mode-linux, which Debian has for x86';
  console.log(`skipped: tests in a guest with a kernel of its own: ${reason}`);
  return reason;
})();

/**
 * Boots a guest, runs a program in it, and resolves with the program's result, which comes as JSON.
 * @param module the path of the program's module
 * @throws Error with what the program threw, or with the end of the guest's console where it did not come so far
 */
export async function inGuest<Result>(
  module: string,
  { memoryMib = MEMORY_MIB, timeoutMs = TIMEOUT_MS }: GuestOptions = {},
): Promise<Result> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kube-ovn-guest-'));
  const argv = argvOf(module, folder.path, memoryMib);
  const console = await boot(argv, folder.path, timeoutMs);
  const answer = await answerIn(folder.path);
  if ('error' in answer) throw new Error(`in the guest: ${answer.error}\n${console}`);
  return answer.value as Result;
}

/** argv of a guest. A process namespace ends with its first process, and so all of a guest with unshare(1). */
function argvOf(module: string, folder: string, memoryMib: number): string[] {
  const here = (name: string) => resolve(import.meta.dirname, name);
  const kernel = [`mem=${memoryMib}M`, `uml_dir=${folder}`, 'quiet', 'con=null', 'con0=null,fd:1'];
  const root = ['root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro'];
  const init = [`init=${here('init.sh')}`, '--', 'root', process.execPath, here('main.ts'), folder];
  return [
    'unshare',
    '--pid',
    '--fork',
    '--kill-child',
    KERNEL,
    ...kernel,
    ...root,
    ...init,
    module,
  ];
}

/**
 * Runs a guest until its program has ended. It is killed then: it has nothing left to lose, and one of some
 * twenty did not come to its end when it switched itself off, and went round there.
 * @param folder where `status` is written when the program has ended
 * @returns the end of its console
 */
async function boot(
  [file = '', ...args]: readonly string[],
  folder: string,
  timeoutMs: number,
): Promise<string> {
  using deadline = startDeadline(timeoutMs);
  const over = Promise.withResolvers<void>();
  const watcher = watch(folder, (_event, name) => {
    if (name === 'status') over.resolve();
  });
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let console = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      console = (console + text).slice(-CONSOLE_MAX);
    });
  }
  const closed = once(child, 'close');
  try {
    await abortable(Promise.race([closed, over.promise]), deadline.signal);
  } catch (cause) {
    throw new Error(`the guest's program did not end in time: ${console}`, { cause });
  } finally {
    watcher.close();
    child.kill('SIGKILL');
    await closed;
  }
  return console;
}

/** What the program left. */
async function answerIn(folder: string): Promise<Answer> {
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => undefined);
  const [status, answer] = [await read('status'), await read('answer.json')];
  if (answer !== undefined) return JSON.parse(answer);
  if (status !== undefined) return { error: `node exited with ${status.trim()}` };
  return { error: 'it ended before the program did' };
}
