/** How a guest ends (test/lab/guest): with what its program says, in time, and without a trace. */
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { inGuest, whyNoGuest } from '../../lab/guest/guest.ts';
import { orphans } from '../../lab/processes.ts';

const program = (name: string) => join(import.meta.dirname, `${name}-program.ts`);

describe.skipIf(whyNoGuest)('a guest', () => {
  it('hands out what its program threw, and has changed nothing of the machine', async () => {
    const before = await readdir(import.meta.dirname);
    await expect(inGuest(program('failing'))).rejects.toThrow(/written on Linux \d/);
    expect(await readdir(import.meta.dirname)).toEqual(before);
  });

  it('is ended when its time is up, with all of its processes and files', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'guest-test-'));
    vi.stubEnv('TMPDIR', folder.path);
    const running = inGuest(program('endless'), { timeoutMs: 25_000 });
    await expect(running).rejects.toThrow('did not end in time');
    const left = (await orphans()).filter((line) => line.includes('linux.uml'));
    expect(left).toEqual([]);
    expect(await readdir(folder.path)).toEqual([]);
  });
});
