import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runJobs } from '../../../../scripts/test/schedule.ts';

/** Jobs that run until they are told to end, at least two and at most four at once. */
class Run {
  readonly done: Promise<void>;
  /** How often somebody looked for room. */
  looks = 0;
  /** Those who look for it now. */
  looking = 0;
  readonly #ends = new Map<string, () => void>();
  #makeRoom = (): void => {};

  constructor(names: readonly string[]) {
    const untilRoom = async (signal: AbortSignal): Promise<void> => {
      this.looks += 1;
      this.looking += 1;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#makeRoom = resolve;
      await Promise.race([promise, once(signal, 'abort')]);
      this.looking -= 1;
      signal.throwIfAborted();
    };
    this.done = runJobs(names, { least: 2, most: 4, untilRoom }, async (name) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#ends.set(name, resolve);
      await promise;
    });
  }

  /** Those that run, in the order of their starts. */
  get names(): string {
    return [...this.#ends.keys()].join('');
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    this.#ends.delete(name);
    await turn();
  }

  async makeRoom(): Promise<void> {
    this.#makeRoom();
    await turn();
  }
}

async function start(names: string): Promise<Run> {
  const run = new Run([...names]);
  await turn();
  return run;
}

describe('jobs', () => {
  it('start in their order, and as soon as another one ends', async () => {
    const run = await start('abcd');
    expect(run.names).toBe('ab');
    await run.end('a');
    expect(run.names).toBe('bc');
    await run.end('c');
    expect(run.names).toBe('bd');
    await run.end('d');
    await run.end('b');
    await run.done;
  });

  it('are one more each time that there is room, up to the most', async () => {
    const run = await start('abcdef');
    await run.makeRoom();
    expect(run.names).toBe('abc');
    await run.makeRoom();
    expect(run.names).toBe('abcd');
    await run.makeRoom();
    expect(run.names).toBe('abcd');
    expect([run.looks, run.looking]).toEqual([2, 0]);
    await run.end('b');
    expect(run.names).toBe('acd');
    await run.makeRoom();
    expect(run.names).toBe('acde');
  });

  it('wait for room no more when there are no others, or when one ended meanwhile', async () => {
    const run = await start('abc');
    expect(run.looking).toBe(1);
    await run.end('b');
    expect(run.names).toBe('ac');
    expect(run.looking).toBe(0);
  });

  it('may be fewer than run at once', async () => {
    const run = await start('a');
    await run.end('a');
    await run.done;
    expect(run.looks).toBe(0);
    await (await start('')).done;
  });
});
