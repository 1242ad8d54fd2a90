/** A daemon whose calls of tools about a provider network are counted, and which is killed at one of them. */
import { once } from 'node:events';
import { expect } from 'vitest';
import { orphans, remainingOrphans } from '../lab/processes.ts';
import { type Crash, ToolShims } from '../lab/tool-shims.ts';
import type { ProviderFixture } from './provider-fixture.ts';

export class CrashingDaemon {
  readonly #lab: ProviderFixture;
  readonly shims: ToolShims;
  readonly #words: readonly string[];
  /** Daemons of OVS and OVN. */
  #servers = 0;

  private constructor(lab: ProviderFixture, shims: ToolShims, words: readonly string[]) {
    this.#lab = lab;
    this.shims = shims;
    this.#words = words;
  }

  /** @param words what calls have that count: all about a provider network, and no others */
  static async start(lab: ProviderFixture, words: readonly string[]): Promise<CrashingDaemon> {
    const daemon = new CrashingDaemon(lab, await ToolShims.install('/run/shims'), words);
    await daemon.startAgain();
    daemon.#servers = (await orphans()).length;
    return daemon;
  }

  async startAgain(): Promise<void> {
    await this.#lab.fixture.restartDaemon([], 'SIGTERM', { PATH: this.shims.path });
  }

  /** Before a test: whatever the one before has left. */
  async reset(): Promise<void> {
    await this.shims.disarm();
    const { exitCode, signalCode } = this.#lab.fixture.daemon.process;
    if (exitCode !== null || signalCode !== null) await this.startAgain();
  }

  /** The calls of tools that it takes, by their names. */
  async callsOf(work: () => Promise<void>): Promise<string[]> {
    await this.shims.arm(this.#words);
    await work();
    return await this.shims.disarm();
  }

  /** Begins something, and kills the daemon at one of its calls. */
  async crash(begin: () => void, { call, how }: { call: string; how: Crash }): Promise<void> {
    const { process } = this.#lab.fixture.daemon;
    const gone = once(process, 'exit');
    await this.shims.arm(this.#words, { call, how, pid: process.pid as number });
    begin();
    await gone;
    await remainingOrphans(this.#servers);
    expect(await this.shims.disarm()).toContain(call);
  }
}
