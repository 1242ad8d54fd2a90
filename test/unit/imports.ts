/**
 * Which folder of `src` may import which: the layers of each program, from the bottom to the top. A file
 * imports its own layer and those below it, and no file imports itself by way of others, not even a type.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** A file of `src`, and the files that it imports; as paths from the root of the repository. */
export type Imports = ReadonlyMap<string, readonly string[]>;

interface Program {
  readonly folder: string;
  /** Folders from the bottom to the top, below `folder`; `.` is what is in `folder` itself. */
  readonly layers: readonly string[];
  /** What of the other programs it may import. */
  readonly foreign: readonly string[];
}

const SHARED = ['src/wire', 'src/common'];

const PROGRAMS: readonly Program[] = [
  { folder: 'src/wire', layers: ['.'], foreign: [] },
  // It runs the programs' bundles, and imports none of them.
  { folder: 'src/start', layers: ['.'], foreign: [] },
  // The executable is one small bundle that starts in some milliseconds.
  { folder: 'src/plugin', layers: ['.'], foreign: ['src/wire'] },
  {
    folder: 'src/common',
    layers: [
      '.',
      'concurrency',
      'process',
      'ovsdb',
      'kubernetes',
      'reconcile',
      'flags',
      'http',
      'program',
      'metrics',
    ],
    foreign: [],
  },
  {
    folder: 'src/daemon',
    layers: [
      'call',
      'model',
      'ovs',
      'netns',
      'ownership',
      'node',
      'underlay',
      'nic/kinds',
      'nic',
      'limits',
      'garbage',
      'verbs',
      'report',
      '.',
    ],
    foreign: SHARED,
  },
  {
    folder: 'src/controller',
    layers: [
      'ranges',
      'model',
      'kinds/*/object',
      'validation',
      'ipam/allocator',
      'networks',
      'cluster',
      'ipam',
      'ovn',
      'leadership',
      'config',
      'kinds',
      'kinds/*',
      '.',
    ],
    foreign: SHARED,
  },
  {
    // It takes off a node what the daemon has put there.
    folder: 'src/installer',
    layers: ['.'],
    foreign: [...SHARED, 'src/daemon/ovs', 'src/daemon/netns'],
  },
];

const IMPORT =
  /^(?:import|export)\b[^;]*?\bfrom '(\.[^']+)'|^import '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm;

/** All imports of files by files of `src`. */
export function readImports(): Imports {
  const files = globSync('src/**/*.ts').sort();
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(file, 'utf8'))]));
}

/** Files that a text imports by relative paths, types included. */
export function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(IMPORT)].map(([, from, bare, dynamic]) =>
    normalize(join(dirname(file), from ?? bare ?? dynamic ?? '')),
  );
}

/** One line for each import that goes against the layers. */
export function wrongImports(imports: Imports): string[] {
  return [...imports].flatMap(([file, targets]) =>
    targets.flatMap((target) => {
      const rule = brokenRule(file, target);
      return rule === undefined ? [] : [`${file} imports ${target}: ${rule}`];
    }),
  );
}

function brokenRule(file: string, target: string): string | undefined {
  const program = PROGRAMS.find(({ folder }) => isIn(folder, file));
  if (program === undefined) return 'its folder is in no list of layers (test/unit/imports.ts)';
  const { folder, layers, foreign } = program;
  if (!isIn(folder, target)) {
    if (foreign.some((other) => isIn(other, target))) return undefined;
    return `${folder} may import ${foreign.length === 0 ? 'nothing else of src' : foreign.join(', ')}`;
  }
  const [own, other] = [file, target].map((path) => layerOf(path, program));
  if (own === undefined || other === undefined)
    return `one of them is in no layer of ${folder} (test/unit/imports.ts)`;
  if (layers.indexOf(other) > layers.indexOf(own))
    return `${inWords(other, folder)} is a layer above ${inWords(own, folder)}`;
  return foreignKind(file, target);
}

/** A kind of object knows of another kind what the object is, and nothing of what is done with it. */
function foreignKind(file: string, target: string): string | undefined {
  const [kind, other] = [file, target].map((path) => /\/kinds\/([^/]+)\//.exec(path)?.[1]);
  const isValue = target.includes('/object/');
  if (kind === undefined || other === undefined || kind === other || isValue) return undefined;
  return `a kind imports of another one only its object/`;
}

/** The longest name of a layer that a file is in; `*` stands for any one folder. */
function layerOf(file: string, { folder, layers }: Program): string | undefined {
  const parts = dirname(file)
    .slice(folder.length + 1)
    .split('/');
  const matching = layers.filter((layer) => {
    if (layer === '.') return parts[0] === '';
    return layer
      .split('/')
      .every(
        (part, index) => parts[index] === part || (part === '*' && parts[index] !== undefined),
      );
  });
  return matching.sort((a, b) => b.split('/').length - a.split('/').length)[0];
}

function inWords(layer: string, folder: string): string {
  return layer === '.' ? folder : `${folder}/${layer}`;
}

function isIn(folder: string, file: string): boolean {
  return file.startsWith(`${folder}/`);
}

/** The same of folders: which one has a file that imports a file of which other one. */
export function folderImports(imports: Imports): Imports {
  const folders = new Map<string, Set<string>>();
  for (const [file, targets] of imports) {
    const folder = dirname(file);
    const others = targets.map((target) => dirname(target)).filter((other) => other !== folder);
    folders.set(folder, new Set([...(folders.get(folder) ?? []), ...others]));
  }
  return new Map([...folders].map(([folder, others]) => [folder, [...others]]));
}

/** The layers of the programs that have several, from the top to the bottom, as README.md shows them. */
export function layerLines(): string[] {
  return PROGRAMS.filter(({ layers }) => layers.length > 1).map(({ folder, layers }) => {
    const names = layers.map((layer) => (layer === '.' ? '*.ts' : layer));
    return `${folder}: ${names.reverse().join(' → ')}`;
  });
}

/** Circles of imports: for each, its files, in the order of the imports. */
export function circles(imports: Imports): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}
