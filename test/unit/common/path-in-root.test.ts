import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathInRoot } from '../../../src/common/path-in-root.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync('/tmp/root-');
  for (const path of ['etc/cni', 'var/lib/net.d']) mkdirSync(join(root, path), { recursive: true });
  symlinkSync('/var/lib/net.d', join(root, 'etc/cni/absolute'));
  symlinkSync('../../var/lib/net.d', join(root, 'etc/cni/relative'));
  symlinkSync('../../../../../var/lib', join(root, 'etc/cni/outside'));
  symlinkSync('/etc/cni/loop', join(root, 'etc/cni/loop'));
  writeFileSync(join(root, 'var/lib/net.d/file'), '');
  symlinkSync('/var/lib/net.d/file', join(root, 'var/lib/net.d/link'));
});
afterAll(() => rmSync(root, { recursive: true }));

describe('a path below another root', () => {
  it.each([
    ['/etc/cni', '/etc/cni'],
    ['/etc/..', ''],
    ['/etc/cni/absolute', '/var/lib/net.d'],
    ['/etc/cni/relative/', '/var/lib/net.d'],
    ['/etc/cni/absolute/link', '/var/lib/net.d/file'],
    ['/etc/cni/outside/net.d', '/var/lib/net.d'],
    ['/../../etc/./cni/../cni', '/etc/cni'],
    ['/etc/cni/nothing/at/all', '/etc/cni/nothing/at/all'],
  ])('%s is %s there, whatever links are on the way', (path, expected) => {
    expect(pathInRoot(root, path)).toBe(join(root, expected));
  });

  it('with links in a circle ends, and below that root', () => {
    expect(pathInRoot(root, '/etc/cni/loop')).toBe(join(root, '/etc/cni/loop'));
  });
});
