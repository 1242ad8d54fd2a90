/** What can be seen of the images without building them: Dockerfile, .dockerignore, the lock. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURES, TARGETS, type Target } from '../../../scripts/image/contents.ts';
import { epochOf, formatLock, parseLock, readLock } from '../../../scripts/image/lock-file.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

/** Instructions, with continued lines joined and comments left out. */
function instructions(): string[] {
  const lines = read('Dockerfile').split('\n');
  const code = lines.filter((line) => !line.startsWith('#')).join('\n');
  return code
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

interface Stage {
  readonly from: string;
  readonly lines: readonly string[];
}

function stages(): Map<string, Stage> {
  const found = new Map<string, Stage>();
  let lines: string[] = [];
  for (const line of instructions()) {
    const from = /^FROM (?:--platform=\S+ )?(\S+) AS (\S+)$/.exec(line);
    if (from === null) {
      lines.push(line);
      continue;
    }
    lines = [];
    found.set(from[2] ?? '', { from: from[1] ?? '', lines });
  }
  return found;
}

/** A file of this repository and all that it imports of it, as paths. */
function importsOf(file: string, found: string[] = []): string[] {
  if (found.includes(file)) return found;
  found.push(file);
  for (const [, path = ''] of read(file).matchAll(/ from '(\.[^']+)'/g)) {
    importsOf(join(dirname(file), path), found);
  }
  return found;
}

describe('Dockerfile', () => {
  it('makes agent by default, and ovn by name', () => {
    expect([...stages().keys()].at(-1)).toBe('agent');
    expect([...stages().keys()]).toContain('ovn');
  });

  it.each(['agent', 'ovn'])('%s holds nothing of another image, and runs its arguments', (name) => {
    const { from, lines = [] } = stages().get(name) ?? {};
    expect(from).toBe('scratch');
    expect(lines.some((line) => line.startsWith('RUN'))).toBe(false);
    expect(lines).toContain('ENTRYPOINT ["dumb-init", "--"]');
  });

  it.each(['agent', 'ovn'])(
    '%s says what it is, of which version and under which licences',
    (name) => {
      const text = stages().get(name)?.lines.join('\n') ?? '';
      for (const label of ['title', 'description', 'version', 'revision', 'licenses']) {
        expect(text).toContain(`org.opencontainers.image.${label}=`);
      }
      const { version } = JSON.parse(read('package.json')) as { version: string };
      expect(text).toContain(`ARG VERSION=${version}\n`);
    },
  );

  it.each([
    ['build', 'scripts/build.ts'],
    ['build', 'scripts/image/programs.ts'],
    ['debian', 'scripts/image/rootfs.ts'],
  ])('its stage %s has all that %s imports', (name, program) => {
    const copied = (stages().get(name)?.lines ?? [])
      .filter((line) => line.startsWith('COPY '))
      .flatMap((line) => line.split(/ +/).slice(1, -1));
    const isIn = (paths: readonly string[], file: string) =>
      paths.some((path) => file === path || file.startsWith(`${path}/`));
    const taken = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    const files = importsOf(program);
    expect(files).toContain(program);
    expect(files.filter((file) => !isIn(copied, file))).toEqual([]);
    const context = taken.map((line) => line.slice(1)).filter((path) => path !== 'scripts');
    expect(files.filter((file) => !isIn(context, file))).toEqual([]);
  });

  it('emulates no processor: every step that runs something is on the machine that builds', () => {
    const text = read('Dockerfile');
    const bases = [...text.matchAll(/^FROM (?!scratch|debian )(.*)$/gm)].map(([, rest]) => rest);
    expect(bases.length).toBeGreaterThan(0);
    for (const base of bases) expect(base).toMatch(/^--platform=\$BUILDPLATFORM /);
  });

  it('asks for no version of a package by itself: the lock files do', () => {
    expect(read('Dockerfile')).not.toMatch(/apt-get|npm install|curl|wget/);
  });

  it('copies only what .dockerignore lets through, and that is there', () => {
    const allowed = read('.dockerignore').split('\n');
    const sources = instructions()
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    expect(sources.length).toBeGreaterThan(0);
    for (const source of sources) {
      expect(existsSync(join(ROOT, source)), source).toBe(true);
      const parts = source.split('/');
      const parents = parts.map((_, index) => `!${parts.slice(0, index + 1).join('/')}`);
      expect(
        parents.some((parent) => allowed.includes(parent)),
        source,
      ).toBe(true);
      const needsOwnLine = source.startsWith('scripts/');
      if (needsOwnLine) expect(allowed).toContain(`!${source}`);
    }
  });
});

describe('.dockerignore', () => {
  it('lets nothing through but what it names', () => {
    const lines = read('.dockerignore')
      .split('\n')
      .filter((line) => !/^(#|$)/.test(line));
    expect(lines[0]).toBe('*');
    for (const name of ['!.git', '!node_modules', '!dist', '!test']) {
      expect(lines).not.toContain(name);
    }
  });
});

describe('image/debian-packages.lock', () => {
  const lock = readLock();

  it.each(
    ARCHITECTURES.flatMap((architecture) =>
      (Object.keys(TARGETS) as Target[]).map((target) => [architecture, target] as const),
    ),
  )('has for %s what %s wants, and nothing that it leaves out', (architecture, target) => {
    const names = lock.packages
      .filter((one) => one.architecture === architecture && one.targets.includes(target))
      .map(({ name }) => name);
    const { packages, without } = TARGETS[target];
    expect(names).toEqual(expect.arrayContaining(Object.keys(packages)));
    expect(names.filter((name) => name in without)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('names no machine: packages are found in any mirror by their path', () => {
    expect(read('image/debian-packages.lock')).not.toMatch(/https?:|\/\//);
  });

  it('is read as it is written', () => {
    expect(formatLock(lock)).toBe(read('image/debian-packages.lock'));
    expect(new Date(epochOf('20260102T030405Z') * 1000).toISOString()).toBe(
      '2026-01-02T03:04:05.000Z',
    );
  });

  it.each([
    ['a path that leaves the archive', 'amd64 a 1 HASH debian ../a.deb agent'],
    ['no digest', 'amd64 a 1 abc debian pool/a.deb agent'],
    ['another processor', 'riscv64 a 1 HASH debian pool/a.deb agent'],
  ])('is refused with %s', (_title, line) => {
    const text = `# snapshot 20260102T030405Z\n${line.replace('HASH', '0'.repeat(64))}\n`;
    expect(() => parseLock(text)).toThrow('this is no line of it');
  });
});

describe('docs/image.md', () => {
  it('says of each package what it is there for', () => {
    const text = read('docs/image.md');
    const wanted = Object.values(TARGETS).flatMap(({ packages }) => Object.keys(packages));
    expect(wanted.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});
