/** The programs' code caches, as the build makes them for the node that runs the programs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');
const DIST = join(ROOT, 'dist');
const PROGRAMS = ['kube-ovn-cni', 'kube-ovn-controller'];

beforeAll(() => {
  // `npm test` has built it just now.
  if (PROGRAMS.some((name) => !existsSync(join(DIST, `${name}.code.cache`)))) {
    execFileSync(process.execPath, ['scripts/build.ts'], { cwd: ROOT, stdio: 'pipe' });
  }
});

/** V8's flags in the first line of the program, which is how a node starts it. */
function flagsOf(name: string): string[] {
  const [shebang = ''] = readFileSync(join(DIST, `${name}.cjs`), 'utf8').split('\n');
  return shebang.split(' ').filter((word) => word.startsWith('--'));
}

/** Whether V8 takes the cache, when it is started with these flags. */
function isTaken(name: string, flags: readonly string[]): boolean {
  const path = JSON.stringify(join(DIST, `${name}.code.js`));
  const look = `
    import { readFileSync } from 'node:fs';
    import { compile } from ${JSON.stringify(join(ROOT, 'src/start/code.ts'))};
    const cache = readFileSync(${path}.replace('.code.js', '.code.cache'));
    console.log(compile(${path}, readFileSync(${path}), cache).cachedDataRejected);`;
  const args = [...flags, '--input-type=module', '-e', look];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  // Undefined where it is of another code.
  return stdout.trim() === 'false';
}

describe.each(PROGRAMS)('the code cache of %s', (name) => {
  it('is taken by the node that runs the program, with the flags that the program is started with', () => {
    expect(isTaken(name, flagsOf(name))).toBe(true);
    expect(isTaken(name, [...flagsOf(name), '--no-lazy'])).toBe(false);
  });

  it('is of code in ASCII: V8 keeps one byte for each character, and not two', () => {
    const code = readFileSync(join(DIST, `${name}.code.js`));
    expect(code.every((byte) => byte < 0x80)).toBe(true);
  });

  it('is not needed: with other flags of V8 the program starts all the same', () => {
    const args = ['--no-lazy', join(DIST, `${name}.cjs`), '--version'];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^kube-ovn-/) });
  });
});
