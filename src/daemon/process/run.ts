/**
 * The one place that starts child processes: argv arrays, never a shell.
 *
 * A child runs to its end unless `signal` is given: a half-killed ovs-vsctl or ip would leave us
 * not knowing what happened. Each tool that could hang has a time limit of its own, on its
 * command line or as `timeoutMs`.
 */
import { spawn } from 'node:child_process';
import { messageOf } from '../error.ts';

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
 * Runs a tool and returns its standard output.
 * @throws ToolError naming the command and what it said; `signal.reason` when aborted
 */
export function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { input, signal, timeoutMs = TOOL_TIMEOUT_MS, until } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const command = [file, ...args].join(' ');
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env: TOOL_ENV });
    let stdout = '';
    let stderr = '';
    const kill = () => child.kill('SIGKILL');
    const timer = setTimeout(kill, timeoutMs);
    signal?.addEventListener('abort', kill, { once: true });

    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > STDOUT_CHARS_MAX) kill();
      if (until && stdout.split('\n').slice(0, -1).some(until)) resolve(stdout);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < STDERR_CHARS_MAX) stderr += text;
    });
    // A child that exits without reading its input is told by its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');

    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', kill);
    };
    child.on('error', (error) => {
      settle();
      reject(new ToolError(`cannot run ${file}: ${messageOf(error)}`, '', null));
    });
    child.on('close', (exitCode, killedBy) => {
      settle();
      if (exitCode === 0) resolve(stdout);
      else if (signal?.aborted) reject(signal.reason);
      else {
        const how = killedBy ? `was killed by ${killedBy}` : `exited with ${exitCode}`;
        const said = stderr.trim() || stdout.trim();
        reject(new ToolError(`"${command}" ${how}: ${said}`, stderr.trim(), exitCode));
      }
    });
  });
}

/** Messages in English, since we read some of them. */
const TOOL_ENV = { PATH: process.env.PATH ?? '', LC_ALL: 'C' };
