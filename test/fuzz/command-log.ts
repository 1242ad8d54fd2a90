/**
 * Every command line that the daemon runs, word by word: scripts of the tools' names stand in its
 * PATH, write down what they were called with, and then answer or become the real tool.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ToolRun } from './oracles/command-lines.ts';
import { must } from './oracles/types.ts';

/** What the script of a tool does when the call is written down; `sh`, with standard input in `$in`. */
export type Then = (tool: string) => string;

export class CommandLog implements Disposable {
  /** What the daemon's PATH must be. */
  readonly path: string;
  readonly #directory: string;

  private constructor(directory: string, path: string) {
    this.#directory = directory;
    this.path = path;
  }

  /** Scripts that become the tools, which are looked for in this process's PATH. */
  static real(directory: string, tools: readonly string[]): CommandLog {
    const path = process.env.PATH ?? '';
    const find = (tool: string) => {
      const found = path.split(':').find((folder) => existsSync(join(folder, tool)));
      must(found !== undefined, 'a tool is installed', tool);
      return join(found, tool);
    };
    return CommandLog.create(
      directory,
      tools,
      (tool) => `exec ${find(tool)} "$@" < "$in"`,
      `:${path}`,
    );
  }

  static create(
    directory: string,
    tools: readonly string[],
    then: Then,
    morePath = '',
  ): CommandLog {
    const scripts = join(directory, 'bin');
    const runs = join(directory, 'runs');
    for (const folder of [scripts, runs]) mkdirSync(folder, { recursive: true });
    for (const tool of tools) {
      writeFileSync(join(scripts, tool), script(tool, runs, then(tool)));
      chmodSync(join(scripts, tool), 0o755);
    }
    return new CommandLog(directory, scripts + morePath);
  }

  /** The runs that have begun since the last time; a probe that was killed at once says nothing. */
  take(): ToolRun[] {
    const runs = join(this.#directory, 'runs');
    const names = readdirSync(runs);
    const taken = names.filter((name) => name.endsWith('.words')).map((name) => read(runs, name));
    for (const name of names) rmSync(join(runs, name), { force: true });
    return taken.filter(({ tool }) => tool !== '');
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function read(runs: string, name: string): ToolRun {
  const [tool = '', ...args] = readFileSync(join(runs, name), 'utf8').split('\0').slice(0, -1);
  const input = join(runs, name.replace(/words$/, 'input'));
  return { tool, args, stdin: existsSync(input) ? readFileSync(input, 'utf8') : '' };
}

/**
 * Only a batch comes on standard input. The files' names have the process id, and the tool's since
 * nsenter(1) becomes the tool that it runs.
 */
function script(tool: string, runs: string, then: string): string {
  return `#!/bin/sh
run='${runs}/${tool}.'$$
in=/dev/null
case " $* " in *' -batch '*) in="$run.input"; /bin/cat > "$in" ;; esac
printf '%s\\0' '${tool}' "$@" > "$run.words"
${then}
`;
}
