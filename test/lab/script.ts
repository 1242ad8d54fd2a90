/** A start script of the component ovn (image/ovn) as a child process, and its log. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { Program } from './program.ts';

const FOLDER = resolve(import.meta.dirname, '../../image/ovn');

export interface ScriptOptions {
  readonly args?: readonly string[];
  /** Variables beside PATH: what the container's `env` is in a cluster. */
  readonly environment: Readonly<Record<string, string>>;
  /** Name of the network namespace that it runs in; the test's own without it. */
  readonly netns?: string;
}

export class Script extends Program {
  /** @param name like `database.sh` */
  static start(name: string, { args = [], environment, netns }: ScriptOptions): Script {
    const within = netns === undefined ? [] : ['ip', 'netns', 'exec', netns];
    const [file = '', ...words] = [...within, `${FOLDER}/${name}`, ...args];
    const env = { PATH: process.env.PATH, ...environment };
    return new Script(name, spawn(file, words, { env, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Runs a script that ends. @returns its exit code and its log */
  static async run(name: string, options: ScriptOptions): Promise<{ code: number; log: string }> {
    const script = Script.start(name, options);
    const [code] = await once(script.process, 'close');
    return { code, log: script.log.join('\n') };
  }

  /** Resolves with the exit code when it has ended, and its log is whole. */
  async ended(): Promise<number> {
    const [code] = await once(this.process, 'close');
    return code;
  }
}
