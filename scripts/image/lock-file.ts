/**
 * image/debian-packages.lock: the exact packages of Debian in the images, by SHA-256. A line is one
 * package for one architecture and the targets that have it; a comment says of which day they are, by
 * which snapshot.debian.org has them for ever.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture, Target } from './contents.ts';

export interface LockedPackage {
  readonly architecture: Architecture;
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly repository: string;
  readonly path: string;
  readonly targets: readonly Target[];
}

export interface DebianLock {
  /** `20260102T030405Z`. */
  readonly snapshot: string;
  readonly packages: readonly LockedPackage[];
}

export const LOCK_FILE = join(import.meta.dirname, '../../image/debian-packages.lock');

const HEADER = `# The packages of Debian in the images, written by "npm run image:lock". Do not edit.
# architecture package version sha256 archive path targets`;

export function formatLock({ snapshot, packages }: DebianLock): string {
  const lines = packages.map((one) =>
    [one.architecture, one.name, one.version, one.sha256, one.repository, one.path]
      .concat(one.targets.join(','))
      .join(' '),
  );
  return `${HEADER}\n# snapshot ${snapshot}\n${lines.join('\n')}\n`;
}

/** @throws Error that names the line which is wrong */
export function parseLock(text: string): DebianLock {
  const snapshot = /^# snapshot (\d{8}T\d{6}Z)$/m.exec(text)?.[1];
  if (snapshot === undefined) throw new Error('image/debian-packages.lock names no snapshot');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { snapshot, packages: lines.map(parseLine) };
}

function parseLine(line: string): LockedPackage {
  const [architecture = '', name = '', version = '', sha256 = '', repository = '', path = '', at] =
    line.split(' ');
  const isRight =
    /^(amd64|arm64)$/.test(architecture) &&
    /^[0-9a-f]{64}$/.test(sha256) &&
    /^debian(-security)?$/.test(repository) &&
    /^pool\/[\w.+~/-]+\.deb$/.test(path) &&
    at !== undefined;
  if (!isRight) throw new Error(`image/debian-packages.lock: this is no line of it: ${line}`);
  const targets = at.split(',') as Target[];
  return {
    architecture: architecture as Architecture,
    name,
    version,
    sha256,
    repository,
    path,
    targets,
  };
}

export function readLock(): DebianLock {
  return parseLock(readFileSync(LOCK_FILE, 'utf8'));
}

/** Seconds since 1970 of a snapshot: the time of all files in the images. */
export function epochOf(snapshot: string): number {
  const [, y, mo, d, h, mi, s] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(snapshot) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`) / 1000;
}
