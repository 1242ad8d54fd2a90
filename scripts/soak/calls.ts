/** One call of the executable, as a runtime makes it; some are killed on the way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  type CniResult,
  cniEnvironment,
  cniInput,
  findExecutable,
  type NetworkConfig,
  type Sandbox,
} from '../../test/lab/runtime.ts';
import type { FaultyPart } from './fault-record.ts';
import type { Stage } from './stage.ts';

export interface Call {
  readonly verb: 'ADD' | 'CHECK' | 'DEL' | 'GC';
  readonly sandbox: Sandbox;
  readonly ifName: string;
  readonly config: NetworkConfig;
  /** Of environment variables; undefined leaves one out. */
  readonly overrides?: Readonly<Record<string, string | undefined>>;
  /** SIGKILL for the executable after this time, if it still runs. */
  readonly killAfterMs?: number;
}

export interface Answer {
  readonly containerId: string;
  /** 0 for success, the error's code, or what became of the executable. */
  readonly code: number | 'killed' | 'hung' | 'no CNI error' | 'no echo';
  /** What it printed. */
  readonly text: string;
  /** Of a successful ADD. */
  readonly result: CniResult | undefined;
  /** What was disturbed while it ran. */
  readonly faults: ReadonlySet<FaultyPart>;
}

/** Longer than any call may take: the executable gives up after 115 s. */
const CALL_MS_MAX = 130_000;

/** Runs one call to its end, and enters it into the books. */
export async function call(stage: Stage, options: Call): Promise<Answer> {
  const { verb, sandbox, ifName, config, overrides = {}, killAfterMs } = options;
  const { journal, tally, faults } = stage;
  const env = cniEnvironment(verb, sandbox, ifName, overrides);
  const child = spawn(await findExecutable('kube-ovn'), [], { env, stdio: 'pipe' });
  const startedMs = performance.now();
  journal.note(sandbox.containerId, `${verb} ${ifName} begins`);
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs ?? CALL_MS_MAX);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(cniInput(config));
  const [exitCode] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  const ms = performance.now() - startedMs;
  const code = exitCode === null ? ended(killAfterMs) : codeOf(exitCode, text);
  if (code === 'killed') tally.kill('kube-ovn');
  tally.call(verb, code, ms);
  const said = code === 0 ? '' : `: ${text.trim()}${stderr}`;
  journal.note(
    sandbox.containerId,
    `${verb} ${ifName} ends with ${code} after ${ms.toFixed(0)} ms${said}`,
  );
  return {
    containerId: sandbox.containerId,
    code,
    text: text + stderr,
    result: code === 0 && text !== '' ? JSON.parse(text) : undefined,
    faults: faults.since(startedMs),
  };
}

/** Of an executable that a signal ended. */
function ended(killAfterMs: number | undefined): 'killed' | 'hung' {
  return killAfterMs === undefined ? 'hung' : 'killed';
}

function codeOf(exitCode: number, text: string): Answer['code'] {
  if (exitCode === 0) return 0;
  try {
    const { code } = JSON.parse(text) as { code?: unknown };
    return typeof code === 'number' && code > 0 ? code : 'no CNI error';
  } catch {
    return 'no CNI error';
  }
}
