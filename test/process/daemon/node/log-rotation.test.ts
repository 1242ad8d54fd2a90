/** Rotation of OVS's logs, with a real server that writes one. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { rotateLogs } from '../../../../src/daemon/node/log-rotation.ts';
import { OvsdbServer } from '../../../lab/ovsdb-server.ts';
import { RecordingLog } from '../../../unit/daemon/recording-log.ts';

const BYTES_MAX = 64;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync('/tmp/logs-');
  for (const name of ['logs', 'controls']) mkdirSync(join(folder, name));
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = (name: string) => join(folder, 'logs', name);
const names = () => readdirSync(join(folder, 'logs')).sort();
const unpacked = (name: string) => gunzipSync(readFileSync(path(name))).toString();

async function rotate(log = new RecordingLog()): Promise<RecordingLog> {
  const folders = { logs: join(folder, 'logs'), controls: join(folder, 'controls') };
  await rotateLogs(folders, log, BYTES_MAX);
  return log;
}

it('a log that is too large is compressed, and its program goes on with a new one', async () => {
  await using server = await OvsdbServer.start();
  await server.end();
  symlinkSync(join(server.folder, 'control'), join(folder, 'controls/ovsdb-server.1.ctl'));
  // A socket that nobody answers any more.
  writeFileSync(join(folder, 'controls/gone.2.ctl'), '');
  await server.run([`--log-file=${path('ovsdb-server.log')}`]);
  const size = () => lstatSync(path('ovsdb-server.log')).size;
  // It writes its log when it has time.
  await vi.waitFor(() => expect(size()).toBeGreaterThan(BYTES_MAX), { timeout: 30_000 });
  const before = readFileSync(path('ovsdb-server.log'), 'utf8');
  const log = await rotate();
  expect(names()).toEqual(['ovsdb-server.log', 'ovsdb-server.log.1.gz']);
  expect(unpacked('ovsdb-server.log.1.gz')).toContain(before);
  await server.tell('vlog/set', 'file:dbg');
  await server.tell('version');
  await vi.waitFor(() => expect(size()).toBeGreaterThan(0), { timeout: 30_000 });
  expect(log.lines).toMatchObject([{ level: 'info', message: 'logs of OVS are rotated' }]);
});

it('seven older logs are kept, the newest with the lowest number', async () => {
  for (let round = 1; round <= 9; round += 1) {
    writeFileSync(path('a.log'), `${round} ${'x'.repeat(BYTES_MAX)}`);
    await rotate();
  }
  expect(names()).toEqual([1, 2, 3, 4, 5, 6, 7].map((number) => `a.log.${number}.gz`));
  expect(unpacked('a.log.1.gz')).toMatch(/^9 /);
  expect(unpacked('a.log.7.gz')).toMatch(/^3 /);
});

it('what a killed run has left is compressed by the next', async () => {
  writeFileSync(path('a.log.1'), 'older');
  writeFileSync(path('a.log.1.gz.tmp'), 'half');
  writeFileSync(path('a.log'), 'x'.repeat(BYTES_MAX + 1));
  await rotate();
  expect(names()).toEqual(['a.log.1.gz', 'a.log.2.gz']);
  expect(unpacked('a.log.2.gz')).toBe('older');
});

it('a small log, a link, a folder and other files stay as they are', async () => {
  writeFileSync(path('small.log'), 'x'.repeat(BYTES_MAX));
  writeFileSync(join(folder, 'elsewhere'), 'x'.repeat(BYTES_MAX + 1));
  symlinkSync(join(folder, 'elsewhere'), path('link.log'));
  mkdirSync(path('folder.log'));
  writeFileSync(path('other.txt'), 'x'.repeat(BYTES_MAX + 1));
  const log = await rotate();
  expect(names()).toEqual(['folder.log', 'link.log', 'other.txt', 'small.log']);
  expect(log.lines).toEqual([]);
});

it('nothing is done, and nothing said, where there is no folder of logs', async () => {
  rmSync(join(folder, 'logs'), { recursive: true });
  expect((await rotate()).lines).toEqual([]);
  expect(existsSync(join(folder, 'logs'))).toBe(false);
});
