import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { libcProblem } from '../../../src/installer/node-libc.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync('/tmp/libc-');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A library of that version, with what is before and behind its text in a real one. */
function write(path: string, version: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  const text = `GNU C Library (Debian GLIBC ${version}-9) stable release version ${version}.\n`;
  writeFileSync(join(root, path), Buffer.from(`\x7fELF\0\xff${text}\0`, 'latin1'));
}

it.each(['2.17', '2.36', '3.0'])(
  'a node with glibc %s has what the executable needs',
  (version) => {
    write('lib/x86_64-linux-gnu/libc.so.6', version);
    expect(libcProblem(root)).toBeUndefined();
  },
);

it('so has one whose folders are links that count from its own root', () => {
  write('usr/lib64/libc.so.6', '2.34');
  symlinkSync('/usr/lib64', join(root, 'lib64'));
  expect(libcProblem(root)).toBeUndefined();
});

it('an older one is named', () => {
  write('lib64/libc.so.6', '2.12');
  expect(libcProblem(root)).toContain('this one has 2.12');
});

it('a node without one, of musl, say, is named too', () => {
  mkdirSync(join(root, 'lib'));
  writeFileSync(join(root, 'lib/libc.so.6'), 'musl');
  expect(libcProblem(root)).toContain('none is in');
});

it('nothing is said where the node cannot be seen', () => {
  expect(libcProblem(join(root, 'nothing'))).toBeUndefined();
});

it('the library of this machine is read', () => {
  expect(libcProblem('/')).toBeUndefined();
});
