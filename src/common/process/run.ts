/**
 * Runs tools to their end: argv arrays, never a shell.
 *
 * A tool ends by itself unless `signal` is given: a half-killed ovs-vsctl or ip would leave us
 * not knowing what happened. A time limit ends what hangs, with all that it has started, and so do
 * limits on what it prints. A run is over soon after that, also where the kernel does not let go of
 * the tool: whatever waits for it goes on. Programs that are followed for as long as they run are in
 * line-monitor.ts; nothing else starts child processes.
 */
import type { ChildProcess } from 'node:child_process';
import { DeadlinePassed, startDeadline } from '../concurrency/deadline.ts';
import { Slots } from '../concurrency/slots.ts';
import { Turns } from '../concurrency/turns.ts';
import { messageOf } from '../text.ts';
import { closePipes, ignorePipeErrors, killGroup, onEnd, startGroup } from './group.ts';
import { OverdueTools } from './overdue.ts';
import { ToolError, type ToolFailure } from './tool-error.ts';
import { toolTimeIsUp, toolTimeLeft } from './tool-time.ts';

export { ToolError };

/** What the child reads, and what ends it before it ends by itself. */
export interface RunOptions {
  /** Written to the child's standard input. */
  readonly input?: string;
  /** Kills the child; only for probes and other children without lasting effect. */
  readonly signal?: AbortSignal;
  /** Kills the child; ms. */
  readonly timeoutMs?: number;
  /** Open files that the child has, too, as descriptors 3, 4, …: flock(1), for one, locks such. */
  readonly descriptors?: readonly number[];
  /**
   * Resolves the run as soon as a line of standard output makes this true. The child goes on
   * and is reaped when it ends: arping, for one, prints its answer 10 ms before it exits.
   */
  readonly until?: (line: string) => boolean;
}

const TOOL_TIMEOUT_MS = 30_000;
/** How long the kernel may take to end what was killed, and a probe: somebody waits for its end; ms. */
const KILLED_MS_MAX = 1000;
const KILLED_PROBE_MS_MAX = 150;
const STDERR_CHARS_MAX = 4096;
const STDOUT_CHARS_MAX = 16 * 1024 * 1024;
/**
 * Tools that run at once, first come first served: hundreds of pods that come up together must
 * not be hundreds of processes. Probes do not count: they wait for packets, and use nothing.
 */
const TOOLS_AT_ONCE = 16;
const slots = new Slots(TOOLS_AT_ONCE);
/**
 * Starting a child holds up node for some ms, and in each turn of its event loop it accepts one
 * connection. With several starts in a turn, a storm of ADDs would have accepted its last call when
 * it is nearly over, and a DEL or STATUS behind it would wait for as long.
 */
const turns = new Turns();

/** The tools of this process that do not come back; those that wait for packets may. */
export const overdueTools = new OverdueTools();

/**
 * Runs a tool and returns its standard output.
 * @throws ToolError naming the command and what it said; `signal.reason` when aborted
 */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const start = async () => {
    await turns.next();
    return await new ToolRun([file, ...args], options).outcome;
  };
  if (options.signal !== undefined) return await start();
  const left = toolTimeLeft() ?? NO_LIMIT_MS;
  if (left === 0) throw outOfTime([file, ...args]);
  using deadline = startDeadline(left);
  return await slots.run(start, deadline.signal).catch((error) => {
    throw error instanceof DeadlinePassed ? outOfTime([file, ...args]) : error;
  });
}

function outOfTime(argv: readonly string[]): ToolError {
  const why = 'the time of this call is used up by other tools';
  return new ToolError(`"${words(argv)}" was not started: ${why}`, why, null, 'killed');
}

/** Of a tool that was ended for its time; a phrase about the tool. */
function overdueText(limitMs: number): string {
  if (limitMs < 50) return 'the call that needs it had no time left for it';
  return `it did not end within ${(limitMs / 1000).toFixed(1).replace('.0', '')} s`;
}

/** A day: longer than any tool can be waited for. */
const NO_LIMIT_MS = 24 * 3600 * 1000;

/** One tool, from its start to its end. */
class ToolRun {
  /** Its standard output. */
  readonly outcome: Promise<string>;
  readonly #argv: readonly string[];
  readonly #options: RunOptions;
  readonly #child: ChildProcess;
  readonly #settled = Promise.withResolvers<string>();
  readonly #release: () => void;
  #stdout = '';
  #stderr = '';
  /** Why it was killed by us; a phrase about the tool. */
  #killedFor: string | undefined;
  /** When it is no longer waited for after it was killed. */
  #givingUp: NodeJS.Timeout | undefined;

  /** @throws `signal.reason` when aborted already; ToolError when it cannot be started */
  constructor(argv: readonly string[], options: RunOptions) {
    this.#argv = argv;
    this.#options = options;
    this.outcome = this.#settled.promise;
    const { signal } = options;
    signal?.throwIfAborted();
    const left = signal === undefined ? toolTimeLeft() : undefined;
    const ownMs = options.timeoutMs ?? TOOL_TIMEOUT_MS;
    const limitMs = Math.min(ownMs, left ?? ownMs);
    this.#child = this.#start();
    const watched = signal === undefined ? overdueTools.start(toolName(argv)) : undefined;
    const timer = setTimeout(() => {
      if (limitMs < ownMs) toolTimeIsUp();
      this.#kill(overdueText(limitMs));
    }, limitMs);
    const abort = () => this.#kill('nobody wants its answer any more');
    signal?.addEventListener('abort', abort, { once: true });
    this.#release = () => {
      clearTimeout(timer);
      clearTimeout(this.#givingUp);
      signal?.removeEventListener('abort', abort);
      watched?.end(this.#killedFor === undefined);
    };
    this.#follow();
  }

  /** Without descriptors to give, node makes a child that has no streams and reports an error later. */
  #start(): ChildProcess {
    const [file = '', ...args] = this.#argv;
    try {
      const { input = '', descriptors = [] } = this.#options;
      return startGroup(file, args, { hasInput: input !== '', descriptors });
    } catch (error) {
      throw this.#notStarted(error);
    }
  }

  #follow(): void {
    const child = this.#child;
    child.once('error', (error) => {
      this.#release();
      this.#settled.reject(this.#notStarted(error));
    });
    onEnd(child, (exitCode, killedBy) => this.#end(exitCode, killedBy));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#takeOutput(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (this.#stderr.length < STDERR_CHARS_MAX) this.#stderr += text;
    });
    ignorePipeErrors(child);
    child.stdin?.end(this.#options.input);
  }

  #takeOutput(text: string): void {
    this.#stdout += text;
    if (this.#stdout.length > STDOUT_CHARS_MAX) {
      this.#kill(`it printed more than ${STDOUT_CHARS_MAX} characters`);
      closePipes(this.#child);
    }
    const { until } = this.#options;
    if (until && this.#stdout.split('\n').slice(0, -1).some(until)) {
      this.#settled.resolve(this.#stdout);
    }
  }

  #kill(why: string): void {
    if (this.#killedFor !== undefined) return;
    this.#killedFor = why;
    killGroup(this.#child);
    const isProbe = this.#options.signal !== undefined;
    this.#givingUp = setTimeout(
      () => {
        this.#killedFor = `${why}, nor when it was killed`;
        closePipes(this.#child);
        this.#end(null, 'SIGKILL');
      },
      isProbe ? KILLED_PROBE_MS_MAX : KILLED_MS_MAX,
    );
  }

  #end(exitCode: number | null, killedBy: NodeJS.Signals | null): void {
    this.#release();
    const { signal } = this.#options;
    if (exitCode === 0) this.#settled.resolve(this.#stdout);
    else if (signal?.aborted) this.#settled.reject(signal.reason);
    else this.#settled.reject(this.#failure(exitCode, killedBy));
  }

  #failure(exitCode: number | null, killedBy: NodeJS.Signals | null): ToolError {
    const how = killedBy ? `was killed by ${killedBy}` : `exited with ${exitCode}`;
    const stderr = this.#stderr.replace(OVS_LOG_PREFIX, '').trim();
    const spoken = stderr || this.#stdout.slice(0, STDERR_CHARS_MAX).trim();
    const why = this.#killedFor;
    const said = [...(why === undefined ? [] : [why]), ...(spoken === '' ? [] : [spoken])];
    const text = said.join(': ');
    const kind: ToolFailure = killedBy ? 'killed' : 'exited';
    return new ToolError(`"${words(this.#argv)}" ${how}: ${text}`, text, exitCode, kind);
  }

  #notStarted(error: unknown): ToolError {
    const said = messageOf(error);
    return new ToolError(`cannot run ${this.#argv[0]}: ${said}`, said, null, 'not-started');
  }
}

/** A transaction can have a megabyte of words. */
const WORDS_CHARS_MAX = 2000;

function words(argv: readonly string[]): string {
  const text = argv.join(' ');
  return text.length > WORDS_CHARS_MAX ? `${text.slice(0, WORDS_CHARS_MAX).toWellFormed()}…` : text;
}

/** The program that does the work: in a pod's namespace nsenter(1) becomes it. */
function toolName([file = '', ...args]: readonly string[]): string {
  return file === 'nsenter' ? (args.find((word) => !word.startsWith('-')) ?? file) : file;
}

/** Tools of OVS log with time and number: the same failure must read the same, or it seems a new one. */
const OVS_LOG_PREFIX = /^\d{4}-\S+Z\|\d+\|/gm;
