/** The direction of imports in `src`: downwards only, and never round. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  circles,
  folderImports,
  importsOf,
  layerLines,
  readImports,
  wrongImports,
} from './imports.ts';

const of = (file: string, ...targets: string[]) => new Map([[file, targets]]);

describe('imports', () => {
  it('go down the layers of each program, and to other programs only where that is allowed', () => {
    expect(readImports().size).toBeGreaterThan(300);
    expect(wrongImports(readImports())).toEqual([]);
  });

  it('never lead back to the file, neither for a value nor for a type', () => {
    expect(circles(readImports()).map((files) => files.join(' imports '))).toEqual([]);
  });

  it('lead from a folder to others, and from those never back to it', () => {
    const folders = folderImports(readImports());
    expect(folders.size).toBeGreaterThan(40);
    expect(circles(folders).map((each) => each.join(' imports '))).toEqual([]);
  });

  it('run as the picture in README.md has the layers', () => {
    const readme = readFileSync('README.md', 'utf8').replaceAll(/\s+/g, ' ');
    expect(layerLines().length).toBe(3);
    for (const line of layerLines()) expect(readme).toContain(line);
  });
});

describe('the check of imports', () => {
  it.each([
    ['a layer above', 'src/daemon/model/nic.ts', 'src/daemon/ovs/port.ts'],
    ['the files that wire a program', 'src/daemon/verbs/add.ts', 'src/daemon/wiring.ts'],
    ['a program from what all share', 'src/common/text.ts', 'src/wire/version.ts'],
    ['a folder that is shared from what is below it', 'src/common/text.ts', 'src/common/http/a.ts'],
    ['anything but the wire from the executable', 'src/plugin/run.ts', 'src/common/text.ts'],
    ['the other program', 'src/controller/main.ts', 'src/daemon/flags.ts'],
    ['the daemon from above', 'src/installer/main.ts', 'src/daemon/verbs/del.ts'],
    [
      'rules of a kind from its values',
      'src/controller/kinds/ip/object/ip.ts',
      'src/controller/kinds/ip/reconciler.ts',
    ],
    [
      'work of another kind',
      'src/controller/kinds/ip/reconciler.ts',
      'src/controller/kinds/pod/ports.ts',
    ],
    ['from a folder that has no layer', 'src/daemon/new/a.ts', 'src/daemon/model/nic.ts'],
    ['from a program that has no layers', 'src/new/a.ts', 'src/common/text.ts'],
  ])('names an import of %s', (_, file, target) => {
    expect(wrongImports(of(file, target))).toEqual([
      expect.stringContaining(`${file} imports ${target}: `),
    ]);
  });

  it.each([
    ['its own layer', 'src/daemon/ovs/port.ts', 'src/daemon/ovs/vsctl.ts'],
    ['a layer below', 'src/daemon/verbs/add.ts', 'src/daemon/nic/place.ts'],
    [
      'values of another kind',
      'src/controller/kinds/ip/reconciler.ts',
      'src/controller/kinds/pod/object/pod.ts',
    ],
    ['what all share', 'src/controller/kinds/ip/reconciler.ts', 'src/common/text.ts'],
    ['the wire from the executable', 'src/plugin/run.ts', 'src/wire/cni.ts'],
  ])('allows an import of %s', (_, file, target) => {
    expect(wrongImports(of(file, target))).toEqual([]);
  });

  it('sees values, types, what is passed on, and what is imported later', () => {
    const text = [
      "import { a } from './a.ts';",
      'import type {\n  B,\n} from "node:fs";',
      "import type {\n  C,\n  D,\n} from '../c.ts';",
      "export * from './e.ts';",
      "import './f.ts';",
      "const later = await import('./g.ts');",
    ].join('\n');
    expect(importsOf('src/x/y.ts', text)).toEqual([
      'src/x/a.ts',
      'src/c.ts',
      'src/x/e.ts',
      'src/x/f.ts',
      'src/x/g.ts',
    ]);
  });

  it('finds two folders that import each other, by whichever files', () => {
    const imports = new Map([
      ['src/a/one.ts', ['src/b/one.ts']],
      ['src/a/two.ts', []],
      ['src/b/two.ts', ['src/b/one.ts', 'src/a/two.ts']],
      ['src/b/one.ts', []],
    ]);
    expect(circles(imports)).toEqual([]);
    expect(circles(folderImports(imports))).toEqual([['src/a', 'src/b', 'src/a']]);
  });

  it('finds a circle, and says its files in order', () => {
    const imports = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['d']],
      ['d', ['b']],
    ]);
    expect(circles(imports)).toContainEqual(['b', 'c', 'd', 'b']);
    expect(
      circles(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['c']],
          ['c', []],
        ]),
      ),
    ).toEqual([]);
  });
});
