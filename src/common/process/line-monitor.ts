/**
 * A program that reports changes, line by line, for as long as it runs: `ovsdb-client monitor`,
 * `ip monitor`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { messageOf } from '../text.ts';
import { TOOL_ENVIRONMENT } from './run.ts';

const STDERR_CHARS_MAX = 500;

export interface LineMonitorEvents {
  /** What it throws ends the program. */
  line(line: string): void;
  /** Once, when the program is gone or could not be started, unless it was stopped. */
  end(reason: string): void;
}

/**
 * Starts the program. It dies with us, also when we are killed: by itself it would notice only
 * at its next report.
 * @returns stops the program; after that nothing is reported
 */
export function startLineMonitor(
  file: string,
  args: readonly string[],
  events: LineMonitorEvents,
): () => void {
  const words = ['--pdeathsig', 'KILL', file, ...args];
  const child: ChildProcess = spawn('setpriv', words, { stdio: 'pipe', env: TOOL_ENVIRONMENT });
  let hasEnded = false;
  let stderr = '';
  const end = (reason: string) => {
    if (hasEnded) return;
    hasEnded = true;
    child.kill('SIGKILL');
    events.end(reason);
  };
  child.on('error', (error) => end(messageOf(error)));
  child.on('close', (exitCode) => end(stderr.trim() || `${file} exited with ${exitCode}`));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARS_MAX);
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (hasEnded) return;
      try {
        events.line(line);
      } catch (error) {
        // The last line of a program that was killed may be cut off.
        end(`cannot read "${line.slice(0, 100)}": ${messageOf(error)}`);
      }
    });
  }
  return () => {
    hasEnded = true;
    child.kill('SIGKILL');
  };
}
