import { describe, expect, it } from 'vitest';
import { closure, dependencies, parseIndex } from '../../../scripts/image/debian-index.ts';

const INDEX = `Package: tool
Version: 1
Depends: libone (>= 1.2) | libtwo, awk, gone
Pre-Depends: libc:any
Filename: pool/main/t/tool_1.deb
SHA256: aa

Package: tool
Version: 2
Depends: libtwo
Description: what
 goes on: in a second line
Filename: pool/main/t/tool_2.deb
SHA256: bb

Package: libone
Version: 1

Package: libtwo
Version: 1

Package: libc
Version: 1

Package: gawk
Version: 1
Provides: awk

Package: mawk
Version: 1
Provides: awk (= 1)
`;
const PACKAGES = parseIndex(INDEX, 'debian');
const isNewer = (a: string, b: string) => a > b;
const namesOf = (wanted: string[], without: string[] = [], packages = PACKAGES) =>
  closure(packages, { wanted, without, isNewer }).map(({ name }) => name);
const OLD = PACKAGES.filter(({ version, name }) => name !== 'tool' || version === '1');

describe('an index of packages', () => {
  it('is read with archive, path and digest', () => {
    expect(PACKAGES[1]).toMatchObject({
      name: 'tool',
      version: '2',
      repository: 'debian',
      path: 'pool/main/t/tool_2.deb',
      sha256: 'bb',
      depends: [['libtwo']],
    });
  });

  it('has dependencies with their alternatives, without versions and architectures', () => {
    expect(dependencies('a (>= 1) | b:any, c [amd64]')).toEqual([['a', 'b'], ['c']]);
    expect(dependencies('')).toEqual([]);
  });
});

describe('what a package needs', () => {
  it('is that of its newest version', () => {
    expect(namesOf(['tool'])).toEqual(['libtwo', 'tool']);
  });

  it('is the first of alternatives that there is, unless another is wanted anyway', () => {
    expect(namesOf(['tool'], ['gone', 'awk'], OLD)).toEqual(['libc', 'libone', 'tool']);
    const both = namesOf(['tool', 'libtwo'], ['gone', 'awk'], OLD);
    expect(both).toEqual(['libc', 'libtwo', 'tool']);
  });

  it('may be what another package provides: the one that is wanted anyway', () => {
    expect(namesOf(['tool'], ['gone'], OLD)).toContain('gawk');
    expect(namesOf(['tool', 'mawk'], ['gone'], OLD)).not.toContain('gawk');
  });

  it('is an error where there is none of it', () => {
    expect(() => namesOf(['tool'], [], OLD)).toThrow('tool needs gone');
    expect(() => namesOf(['other'])).toThrow('other');
  });
});
