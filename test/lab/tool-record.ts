/**
 * Records which tools of the system the daemon runs, and when each begins and ends, without asking
 * the daemon: scripts of the tools' names come first in its PATH.
 */
import { chmod, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { command } from './command.ts';

/** A tool began or ended; events of a record are in the order in which they happened. */
export interface ToolEvent {
  readonly what: 'begin' | 'end';
  /** Process id of the script: what begins and ends under one is one run. */
  readonly pid: string;
  /** The tool, its arguments, and the lines of its standard input where it takes a batch. */
  readonly words: string;
}

export class ToolRecord implements AsyncDisposable {
  /** What the daemon's PATH must be. */
  readonly path: string;
  readonly #directory: string;
  readonly #file: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#file = `${directory}/events`;
    this.path = `${directory}:${process.env.PATH}`;
  }

  /**
   * @param tools to record; what these run themselves is not
   * @param probes that are killed when they are no longer needed: only their begin is recorded
   */
  static async create(
    directory: string,
    tools: readonly string[],
    probes: readonly string[] = [],
  ): Promise<ToolRecord> {
    const record = new ToolRecord(directory);
    await mkdir(directory, { recursive: true });
    for (const tool of tools) {
      const real = (await command('sh', ['-c', `command -v ${tool}`])).trim();
      const file = `${directory}/${tool}`;
      await writeFile(file, record.#script(real, probes));
      await chmod(file, 0o755);
    }
    await record.clear();
    return record;
  }

  /** Everything since the last `clear`. */
  async events(): Promise<ToolEvent[]> {
    const lines = (await readFile(this.#file, 'utf8')).split('\n').slice(0, -1);
    return lines.map((line) => {
      const [what = '', pid = '', ...words] = line.split(' ');
      return { what: what === 'begin' ? 'begin' : 'end', pid, words: words.join(' ') };
    });
  }

  async clear(): Promise<void> {
    await writeFile(this.#file, '', { flag: 'a' });
    await truncate(this.#file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** One write for each event, at the file's end: the kernel keeps them in order. */
  #script(real: string, probes: readonly string[]): string {
    const isProbe = probes.map((probe) => `*' ${probe} '*`).join('|') || "''";
    return `#!/bin/sh
PATH='${process.env.PATH}'
words="\${0##*/} $*"
note() { printf '%s %s %s\\n' "$1" $$ "$words" >> '${this.#file}'; }
case " $words " in
  ${isProbe}) note begin; exec ${real} "$@" ;;
  *' -batch '*)
    batch=$(cat)
    words="$words $(printf %s "$batch" | tr '\\n' ';')"
    note begin
    printf '%s\\n' "$batch" | ${real} "$@" ;;
  *) note begin; ${real} "$@" ;;
esac
code=$?
note end
exit $code
`;
  }
}

/** The greatest number of things that are going on at once. */
export function mostAtOnce(changes: Iterable<1 | -1>): number {
  let now = 0;
  let most = 0;
  for (const change of changes) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}
