/**
 * What npm needs in the build on this machine alone: its registry and its certificate authority. They
 * are given as secrets, which are in no image and in no file of the repository.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from './cache.ts';
import { output } from './command.ts';

/** Where Dockerfile has the second one. */
const CA_INSIDE = '/run/secrets/ca.pem';

/** @returns options of an engine's build command */
export function secretOptions(): string[] {
  const folder = join(cacheFolder(), 'secrets');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = join(homedir(), '.npmrc');
  const setting = (name: string) => output(['npm', 'config', 'get', name]).trim();
  const cafile = process.env.NODE_EXTRA_CA_CERTS ?? setting('cafile');
  const hasCa = existsSync(cafile);
  const lines = [
    ...(existsSync(own) ? [readFileSync(own, 'utf8').trim()] : []),
    `registry=${setting('registry')}`,
    ...(hasCa ? [`cafile=${CA_INSIDE}`] : []),
  ];
  const files = { npmrc: `${lines.join('\n')}\n`, ca: hasCa ? readFileSync(cafile) : '' };
  return Object.entries(files).flatMap(([id, content]) => {
    const path = join(folder, id);
    writeFileSync(path, content, { mode: 0o600 });
    return ['--secret', `id=${id},src=${path}`];
  });
}
