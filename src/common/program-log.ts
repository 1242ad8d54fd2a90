/**
 * The log of a program: lines of JSON on standard output, as detailed as klog's flag `--v` asks for,
 * and how many there were.
 */
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import { LogFile, type LogFileSettings } from './log-file.ts';

/** As klog counts: what is worse than an error is one. */
export const LOG_LEVELS = ['INFO', 'WARN', 'ERROR'] as const;
/** A level of the log. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How much of one level was logged; bytes as they were written, each line with its end. */
export interface LogCount {
  lines: number;
  bytes: number;
}

/** The log of one process. */
export interface ProgramLog {
  readonly log: Logger;
  /** Since the beginning. */
  readonly counts: Readonly<Record<LogLevel, LogCount>>;
  /** From now on the log goes to a file, too, or instead. */
  readonly toFile: (settings: LogFileSettings) => void;
}

/** @param standardOutput the process' own without it: lines of one turn in one piece */
export function createProgramLog(
  standardOutput: DestinationStream = turnOutput(destination({ dest: 1, sync: true })),
): ProgramLog {
  const counts = {
    INFO: { lines: 0, bytes: 0 },
    WARN: { lines: 0, bytes: 0 },
    ERROR: { lines: 0, bytes: 0 },
  };
  const count = (line: string) => {
    const of = counts[levelOf(line)];
    of.lines += 1;
    of.bytes += Buffer.byteLength(line);
    return line;
  };
  const options = {
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    hooks: { streamWrite: count },
  };
  const output = new Output(standardOutput);
  const toFile = (settings: LogFileSettings) => {
    const onFailure = (error: unknown) =>
      pino(options, standardOutput).error(
        { err: error },
        'cannot write the log file; trying again',
      );
    output.toFile(settings, onFailure);
  };
  return { log: pino(options, output), counts, toFile };
}

/**
 * Writes the lines of one turn of the event loop as one piece: each would be a system call else, which
 * also wakes whoever reads the log. Errors are written at once with all before them, and the rest when
 * the process ends; only a process that is killed loses the lines of its last turn.
 */
export function turnOutput(output: DestinationStream): DestinationStream {
  let lines: string[] = [];
  const flush = () => {
    if (lines.length === 0) return;
    const piece = lines.join('');
    lines = [];
    output.write(piece);
  };
  process.once('exit', flush);
  return {
    write: (line) => {
      lines.push(line);
      if (levelOf(line) === 'ERROR') flush();
      else if (lines.length === 1) setImmediate(flush);
    },
  };
}

/** Where lines go, as klog has it: to standard output, to a file, or to both. */
class Output implements DestinationStream {
  readonly #standardOutput: DestinationStream;
  #file: LogFile | undefined;
  #alsoStdout = true;

  constructor(standardOutput: DestinationStream) {
    this.#standardOutput = standardOutput;
  }

  toFile(settings: LogFileSettings, onFailure: (error: unknown) => void): void {
    this.#file = new LogFile(settings, onFailure);
    this.#alsoStdout = settings.alsoStdout;
  }

  write(line: string): void {
    this.#file?.write(line);
    // Errors are on standard output in any case: klog's --stderrthreshold has that by default.
    if (this.#alsoStdout || levelOf(line) === 'ERROR') this.#standardOutput.write(line);
  }
}

/** A line begins with its level; pino's numbers. */
function levelOf(line: string): LogLevel {
  const level = Number(/^\{"level":(\d+)/.exec(line)?.[1] ?? 0);
  if (level >= 50) return 'ERROR';
  return level >= 40 ? 'WARN' : 'INFO';
}

/**
 * pino's level for klog's verbosity. Up to 3, Kube-OVN's charts' own: one line for each operation and
 * what goes wrong. From 4 on also each command of Open vSwitch or OVN, as Kube-OVN has it; from 5 on
 * each request to the API server, too.
 */
export function levelOfVerbosity(verbosity: number): 'info' | 'debug' | 'trace' {
  if (verbosity >= 5) return 'trace';
  return verbosity === 4 ? 'debug' : 'info';
}

/**
 * Reads the value of `--v`.
 * @returns undefined for what klog would not take
 */
export function readVerbosity(text: string): number | undefined {
  return /^-?\d{1,9}$/.test(text) ? Number(text) : undefined;
}
