/**
 * A program that reports changes, line by line, for as long as it runs: `ip monitor`.
 */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { messageOf } from '../text.ts';
import { closePipes, ignorePipeErrors, killGroup, onEnd, startGroup } from './group.ts';

const STDERR_CHARS_MAX = 500;
/** More than any line that such a program prints. */
const LINE_BYTES_MAX = 1024 * 1024;
const NEWLINE = 10;

/** What the monitor calls: `line` any number of times, and then `end`. */
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
  let child: ChildProcess;
  try {
    child = startGroup('setpriv', ['--pdeathsig', 'KILL', file, ...args]);
  } catch (error) {
    // The kernel has no memory for it, say. Whoever starts it again does so in a timer's callback.
    return endSoon(`cannot start ${file}: ${messageOf(error)}`, events);
  }
  let hasEnded = false;
  let stderr = '';
  const stop = () => {
    hasEnded = true;
    killGroup(child);
    closePipes(child);
  };
  const end = (reason: string) => {
    if (hasEnded) return;
    stop();
    events.end(reason);
  };
  child.on('error', (error) => end(messageOf(error)));
  onEnd(child, (exitCode) => end(stderr.trim() || `${file} exited with ${exitCode}`));
  ignorePipeErrors(child);
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARS_MAX);
  });
  if (child.stdout) {
    let unfinished = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      const newline = chunk.lastIndexOf(NEWLINE);
      unfinished = newline < 0 ? unfinished + chunk.length : chunk.length - newline - 1;
      if (unfinished > LINE_BYTES_MAX) end(`a line has more than ${LINE_BYTES_MAX} bytes`);
    });
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
  return stop;
}

/** As with a program that ends: after the caller has what stops it. */
function endSoon(reason: string, { end }: Pick<LineMonitorEvents, 'end'>): () => void {
  const soon = setImmediate(() => end(reason));
  return () => clearImmediate(soon);
}
