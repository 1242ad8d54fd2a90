/**
 * Child processes in process groups of their own. A tool may be a wrapper that starts the real one:
 * what ends the tool must end both, and what waits for it must not wait for a pipe that the other
 * one holds.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { withOwnTools } from './own-tools.ts';

/** Messages in English, since we read some of them. */
export const TOOL_ENVIRONMENT = {
  PATH: withOwnTools(process.env.PATH ?? '', process.argv[1]),
  LC_ALL: 'C',
};

/**
 * How long after a child's end its pipes may be open without a byte from them: somebody else holds
 * them. A busy event loop reads what is there before that; ms.
 */
const QUIET_MS = 100;

interface GroupOptions {
  /** Its standard input is a pipe, and not empty. */
  readonly hasInput?: boolean;
  /** Open files of ours that the child has as 3, 4, … */
  readonly descriptors?: readonly number[];
}

/** @throws Error for words that cannot be passed at all */
export function startGroup(
  file: string,
  args: readonly string[],
  { hasInput = false, descriptors = [] }: GroupOptions = {},
): ChildProcess {
  const stdio: StdioOptions = [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe', ...descriptors];
  // Node's word for a session of its own, and with that a process group.
  return spawn(file, args, { stdio, env: TOOL_ENVIRONMENT, detached: true });
}

/** Kills the child and all that it has started, unless they have made groups of their own. */
export function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of them have ended.
  }
}

/** Takes nothing more from the child, nor from whoever else holds its pipes. */
export function closePipes({ stdin, stdout, stderr }: ChildProcess): void {
  for (const pipe of [stdin, stdout, stderr]) pipe?.destroy();
}

/** What goes wrong with a pipe is shown by the child's end. */
export function ignorePipeErrors({ stdin, stdout, stderr }: ChildProcess): void {
  for (const pipe of [stdin, stdout, stderr]) pipe?.on('error', () => {});
}

/**
 * Calls back once when the child has ended and its output is here: when its pipes are closed, or
 * when nothing came from them for a moment after it had ended. What holds them then is killed.
 */
export function onEnd(
  child: ChildProcess,
  ended: (exitCode: number | null, killedBy: NodeJS.Signals | null) => void,
): void {
  let timer: NodeJS.Timeout | undefined;
  let look: NodeJS.Immediate | undefined;
  let hasEnded = false;
  const finish = (exitCode: number | null, killedBy: NodeJS.Signals | null) => {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(timer);
    clearImmediate(look);
    ended(exitCode, killedBy);
  };
  child.once('close', finish);
  child.once('exit', (exitCode, killedBy) => {
    const bytesRead = () => pipeBytes(child);
    const wait = (before: number) => {
      timer = setTimeout(() => {
        // After the turn in which what came meanwhile is read.
        look = setImmediate(() => {
          const now = bytesRead();
          if (now !== before) return wait(now);
          killGroup(child);
          closePipes(child);
          finish(exitCode, killedBy);
        });
      }, QUIET_MS);
    };
    wait(bytesRead());
  });
}

function pipeBytes({ stdout, stderr }: ChildProcess): number {
  return [stdout, stderr].reduce(
    (sum, pipe) => sum + ((pipe as { bytesRead?: number } | null)?.bytesRead ?? 0),
    0,
  );
}
