/**
 * A second node of the lab: Open vSwitch, ovn-controller and the built daemon in namespaces of their own
 * below those of the test, in a process that is told what to do (far-node-program.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { startDeadline } from '../../src/common/concurrency/deadline.ts';
import { command } from './command.ts';
import type { CniResult, NetworkConfig, Sandbox } from './runtime.ts';
import { UNDERLAY } from './underlay-port.ts';

export interface FarNodeOptions {
  readonly name: string;
  /** Its own address on the network between the nodes, and that of the first node. */
  readonly address: string;
  readonly nearAddress: string;
  /** Of the southbound database, at `nearAddress`. */
  readonly southboundPort: number;
  /** Of the API server, at `nearAddress`, and of the kubeconfig, at 127.0.0.1. */
  readonly apiPort: number;
  readonly kubeconfig: string;
  readonly daemonFlags: readonly string[];
  /** Network cards that are made ready for it: links of the first node, which lose their addresses. */
  readonly cards?: readonly string[];
}

/** What is asked of the process. */
export type FarCall =
  | { readonly what: 'start'; readonly options: FarNodeOptions }
  | {
      readonly what: 'pod';
      readonly pod: Sandbox['pod'];
      readonly interfaces: readonly (readonly [ifName: string, config: NetworkConfig])[];
    }
  | { readonly what: 'inPod'; readonly name: string; readonly argv: readonly [string, ...string[]] }
  | { readonly what: 'onNode'; readonly argv: readonly [string, ...string[]] }
  | { readonly what: 'endPods' }
  | { readonly what: 'stop' };

export type FarAnswer = { readonly value: unknown } | { readonly error: string };

/** For an answer of the process; ms. */
const ANSWER_MS = 90_000;
const PROGRAM = resolve(import.meta.dirname, 'far-node-program.ts');

export class FarNode {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(options: FarNodeOptions): Promise<FarNode> {
    const words = ['--net', '--mount', process.execPath, PROGRAM];
    const child = spawn('unshare', words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const node = new FarNode(child);
    await node.#answer('to come up');
    for (const link of [UNDERLAY.far, ...(options.cards ?? [])]) {
      await command('ip', ['link', 'set', link, 'netns', String(child.pid)]);
    }
    await node.#call({ what: 'start', options });
    return node;
  }

  /** Makes a sandbox, and its interfaces one after another; @returns the results of the ADDs */
  async pod(
    pod: Sandbox['pod'],
    interfaces: readonly (readonly [ifName: string, config: NetworkConfig])[],
  ): Promise<readonly CniResult[]> {
    return (await this.#call({ what: 'pod', pod, interfaces })) as readonly CniResult[];
  }

  /** What a command in a pod's sandbox prints. */
  async inPod(name: string, ...argv: readonly [string, ...string[]]): Promise<string> {
    return String(await this.#call({ what: 'inPod', name, argv }));
  }

  /** What a command on the node itself prints. */
  async onNode(...argv: readonly [string, ...string[]]): Promise<string> {
    return String(await this.#call({ what: 'onNode', argv }));
  }

  /** DELs of all interfaces, in the reverse order of their ADDs. */
  async endPods(): Promise<void> {
    await this.#call({ what: 'endPods' });
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    await this.#call({ what: 'stop' });
    await ended;
  }

  /** One at a time. @throws Error that says what was asked, also where no answer comes */
  async #call(call: FarCall): Promise<unknown> {
    const answered = this.#answer(`"${call.what}"`);
    this.#process.send(call);
    const answer = await answered;
    if ('error' in answer) throw new Error(`the far node: ${answer.error}`);
    return answer.value;
  }

  async #answer(to: string): Promise<FarAnswer> {
    using deadline = startDeadline(ANSWER_MS);
    const { signal } = deadline;
    const ended = once(this.#process, 'exit', { signal }).then(([code, killedBy]) => {
      deadline.abort(new Error(`it ended with ${code ?? killedBy}`));
    });
    ended.catch(() => {});
    try {
      const [answer] = await once(this.#process, 'message', { signal });
      return answer as FarAnswer;
    } catch {
      throw new Error(`the far node does not answer ${to}`, { cause: signal.reason });
    } finally {
      deadline.abort(new Error('it has answered'));
    }
  }
}
