/**
 * How a tool fails.
 */

/**
 * - `exited`: with a code that is not 0;
 * - `killed`: by us, since it took too long or printed too much, or by somebody else;
 * - `not-started`: it is not there, or the system refuses;
 * - `unreadable`: it ended well, and what it printed is not of the form that we know.
 */
export type ToolFailure = 'exited' | 'killed' | 'not-started' | 'unreadable';

/** A tool that could not be started, was killed, or exited with a code that is not 0. */
export class ToolError extends Error {
  /** What the tool said, or what happened to it: a phrase to put behind "cannot do this: ". */
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly how: ToolFailure;

  constructor(
    message: string,
    stderr: string,
    exitCode: number | null,
    how: ToolFailure = 'exited',
  ) {
    super(message);
    this.name = 'ToolError';
    this.stderr = stderr;
    this.exitCode = exitCode;
    this.how = how;
  }
}
