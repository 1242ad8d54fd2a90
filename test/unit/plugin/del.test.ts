/** DEL as a whole call of `run`, with a daemon and without. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Schema from 'typebox/schema';
import { describe, expect, it } from 'vitest';
import { run } from '../../../src/plugin/run.ts';
import { CniRequestSchema } from '../../../src/wire/messages.ts';
import { deletionsOf } from '../../../src/wire/paths.ts';
import { delegateStdin, ENV, REQUEST, stdin } from './call.ts';
import { freeSocketPath, httpDaemon, rawDaemon } from './fake-daemon.ts';

const DEL_ENV = { ...ENV, CNI_COMMAND: 'DEL' };
const DONE = { exitCode: 0, stdout: '' };

/** The bodies of the recorded DELs by file name; throws where nothing was ever recorded. */
function recorded(socketPath: string): Record<string, unknown> {
  const directory = deletionsOf(socketPath);
  const read = (name: string) => JSON.parse(readFileSync(join(directory, name), 'utf8'));
  return Object.fromEntries(readdirSync(directory).map((name) => [name, read(name)]));
}

describe('DEL', () => {
  it('prints nothing on success, even where the namespace is gone', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    const env = { ...DEL_ENV, CNI_NETNS: undefined };
    expect(await run(env, stdin(socketPath))).toEqual(DONE);
    expect(received[0]?.url).toBe('/api/v1/del');
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({ ...REQUEST, net_ns: '' });
    expect(() => recorded(socketPath)).toThrow('ENOENT');
  });

  it('passes on what a Go daemon says in plain text', async () => {
    const { socketPath } = await httpDaemon(500, 'del nic failed');
    const { exitCode, stdout } = await run(DEL_ENV, stdin(socketPath));
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      code: 11,
      details: '/api/v1/del (500): del nic failed',
    });
    expect(() => recorded(socketPath)).toThrow('ENOENT');
  });
});

describe('a DEL without an answer', () => {
  const NAME = `${createHash('sha256').update('c0ffee/eth0').digest('hex')}.json`;

  it.each([
    ['there is no daemon', async () => freeSocketPath()],
    ['the daemon has gone', deserted],
    ['the daemon stays silent', () => rawDaemon(() => {})],
    ['the daemon closes at once', () => rawDaemon((socket) => socket.end())],
    [
      'the daemon breaks off',
      () => rawDaemon((socket) => void socket.write('HTTP/1.0 20', () => socket.destroy())),
    ],
  ])('succeeds and is recorded where %s', async (_title, start) => {
    const socketPath = await start();
    expect(await run(DEL_ENV, stdin(socketPath), { timeoutMs: 200 })).toEqual(DONE);
    expect(recorded(socketPath)).toEqual({ [NAME]: REQUEST });
  });

  it('is recorded as the daemon would have got it', async () => {
    const { socketPath, received } = await httpDaemon(204, '');
    const nowhere = freeSocketPath();
    const change = { provider: 'attachnet.default.ovn', routes: 'wrong', deviceID: 'é' };
    await run(DEL_ENV, stdin(socketPath, change));
    await run(DEL_ENV, stdin(nowhere, change));
    const text = readFileSync(join(deletionsOf(nowhere), NAME), 'utf8');
    const unnamed = (body = '') => body.replace(/("operation_id":)"[0-9a-f]{12}"/, '$1""');
    expect(unnamed(text)).not.toBe(text);
    expect(unnamed(text)).toBe(unnamed(received[0]?.body));
    expect(Schema.Check(CniRequestSchema, JSON.parse(text))).toBe(true);
  });

  it('is recorded once for each attachment, with what was said last', async () => {
    const socketPath = freeSocketPath();
    await run(DEL_ENV, stdin(socketPath));
    await run({ ...DEL_ENV, CNI_IFNAME: 'net1' }, stdin(socketPath));
    expect(await run({ ...DEL_ENV, CNI_NETNS: '' }, stdin(socketPath))).toEqual(DONE);
    const records = recorded(socketPath);
    expect(Object.keys(records)).toHaveLength(2);
    expect(records[NAME]).toEqual({ ...REQUEST, net_ns: '' });
  });

  it('of an IPAM delegate succeeds without a record: there is nothing to do for it', async () => {
    const socketPath = freeSocketPath();
    expect(await run(DEL_ENV, delegateStdin(socketPath))).toEqual(DONE);
    expect(() => recorded(socketPath)).toThrow('ENOENT');
  });

  it('is an error where it cannot be recorded, which says both reasons', async () => {
    const socketPath = freeSocketPath();
    writeFileSync(deletionsOf(socketPath), '');
    const { exitCode, stdout } = await run(DEL_ENV, stdin(socketPath));
    expect(exitCode).toBe(1);
    const failure = JSON.parse(stdout);
    expect(failure).toMatchObject({ cniVersion: '1.1.0', code: 5 });
    expect(failure.details).toContain(`${deletionsOf(socketPath)}: expected a directory`);
    expect(failure.details).toContain(`${socketPath}: ENOENT`);
  });
});

/** A file on which nothing listens, as a killed daemon leaves one. */
async function deserted(): Promise<string> {
  const socketPath = freeSocketPath();
  writeFileSync(socketPath, '');
  return socketPath;
}
