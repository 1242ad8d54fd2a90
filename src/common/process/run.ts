/**
 * Runs tools to their end: argv arrays, never a shell.
 *
 * A tool ends by itself unless `signal` is given: a half-killed ovs-vsctl or ip would leave us
 * not knowing what happened. A time limit ends what hangs. Programs that are followed for as long
 * as they run are in line-monitor.ts; nothing else starts child processes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import pLimit from 'p-limit';
import { Turns } from '../concurrency/turns.ts';
import { messageOf } from '../text.ts';

export interface RunOptions {
  /** Written to the child's standard input. */
  readonly input?: string;
  /** Kills the child; only for probes and other children without lasting effect. */
  readonly signal?: AbortSignal;
  /** Kills the child; ms. */
  readonly timeoutMs?: number;
  /**
   * Resolves the run as soon as a line of standard output makes this true. The child goes on
   * and is reaped when it ends: arping, for one, prints its answer 10 ms before it exits.
   */
  readonly until?: (line: string) => boolean;
}

/** A tool that could not be started, was killed, or exited with a code that is not 0. */
export class ToolError extends Error {
  readonly stderr: string;
  readonly exitCode: number | null;

  constructor(message: string, stderr: string, exitCode: number | null) {
    super(message);
    this.name = 'ToolError';
    this.stderr = stderr;
    this.exitCode = exitCode;
  }
}

const TOOL_TIMEOUT_MS = 30_000;
const STDERR_CHARS_MAX = 4096;
const STDOUT_CHARS_MAX = 16 * 1024 * 1024;
/**
 * Tools that run at once, first come first served: hundreds of pods that come up together must
 * not be hundreds of processes. Probes do not count: they wait for packets, and use nothing.
 */
const TOOLS_AT_ONCE = 16;
const queue = pLimit(TOOLS_AT_ONCE);
/**
 * Starting a child holds up node for some ms, and in each turn of its event loop it accepts one
 * connection. With several starts in a turn, a storm of ADDs would have accepted its last call when
 * it is nearly over, and a DEL or STATUS behind it would wait for as long.
 */
const turns = new Turns();

/** Messages in English, since we read some of them. */
export const TOOL_ENVIRONMENT = { PATH: process.env.PATH ?? '', LC_ALL: 'C' };

/**
 * Runs a tool and returns its standard output.
 * @throws ToolError naming the command and what it said; `signal.reason` when aborted
 */
export function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const start = async () => {
    await turns.next();
    return await runNow(file, args, options);
  };
  return options.signal === undefined ? queue(start) : start();
}

function runNow(file: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { input = '', signal, timeoutMs = TOOL_TIMEOUT_MS, until } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = startChild(file, args);
    let stdout = '';
    let stderr = '';
    const kill = () => child.kill('SIGKILL');
    const timer = setTimeout(kill, timeoutMs);
    signal?.addEventListener('abort', kill, { once: true });
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
    };
    child.on('error', (error) => {
      settle();
      reject(new ToolError(`cannot run ${file}: ${messageOf(error)}`, messageOf(error), null));
    });
    child.on('close', (exitCode, killedBy) => {
      settle();
      if (exitCode === 0) resolve(stdout);
      else if (signal?.aborted) reject(signal.reason);
      else reject(failure([file, ...args], { exitCode, killedBy, stdout, stderr }));
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > STDOUT_CHARS_MAX) kill();
      if (until && stdout.split('\n').slice(0, -1).some(until)) resolve(stdout);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < STDERR_CHARS_MAX) stderr += text;
    });
    // A child that exits without reading its input is told by its exit code.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/**
 * Without descriptors to give, node makes a child that has no streams and reports an error later.
 * @throws ToolError for words that cannot be passed at all
 */
function startChild(file: string, args: readonly string[]): ChildProcess {
  try {
    return spawn(file, args, { stdio: 'pipe', env: TOOL_ENVIRONMENT });
  } catch (error) {
    throw new ToolError(`cannot run ${file}: ${messageOf(error)}`, messageOf(error), null);
  }
}

function failure(
  argv: readonly string[],
  end: { exitCode: number | null; killedBy: string | null; stdout: string; stderr: string },
): ToolError {
  const how = end.killedBy ? `was killed by ${end.killedBy}` : `exited with ${end.exitCode}`;
  const stderr = end.stderr.replace(OVS_LOG_PREFIX, '').trim();
  const said = stderr || end.stdout.slice(0, STDERR_CHARS_MAX).trim();
  return new ToolError(`"${argv.join(' ')}" ${how}: ${said}`, said, end.exitCode);
}

/** Tools of OVS log with time and number: the same failure must read the same, or it seems a new one. */
const OVS_LOG_PREFIX = /^\d{4}-\S+Z\|\d+\|/gm;
