/** A unit test that does what is for another ring fails, whatever the code under test makes of it. */
import { execFile, execFileSync, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run } from '../../src/common/process/run.ts';
import { takeRefused } from './ring.ts';

describe('a unit test', () => {
  it.each([
    ['spawn', () => spawn('/bin/true')],
    ['execFile', () => execFile('/bin/true')],
    ['fork', () => fork('/bin/true')],
    ['spawnSync', () => spawnSync('/bin/true')],
    ['execFileSync', () => execFileSync('/bin/true')],
  ])('starts no process by %s', (_, start) => {
    expect(start).toThrow(/a unit test starts .*: it belongs to test\/process/);
    expect(takeRefused()).toHaveLength(1);
  });

  it('starts no process by what the programs start theirs with', async () => {
    await expect(run('/bin/true', [])).rejects.toThrow();
    expect(takeRefused()).toEqual(['a unit test starts /bin/true: it belongs to test/process']);
  });

  it.each([
    ['any address', () => createServer().listen(0)],
    ['the address of the machine', () => createServer().listen(0, '0.0.0.0')],
    ['a path of the machine', () => createServer().listen('/var/lib/kube-ovn-test.sock')],
  ])('does not listen on %s', (_, listen) => {
    expect(listen).toThrow(/a unit test listens on/);
    expect(takeRefused()).toHaveLength(1);
  });

  it('connects to nobody else', () => {
    expect(() => connect(80, '192.0.2.1')).toThrow('a unit test connects to 192.0.2.1:80');
    expect(takeRefused()).toHaveLength(1);
  });

  it('may have a fake of its own on loopback and in the temporary folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'unit-ring-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    for (const where of [{ host: '127.0.0.1', port: 0 }, { path: join(folder, 'socket') }]) {
      const server = createServer((socket) => socket.end('here')).listen(where);
      await once(server, 'listening');
      const address = server.address() as AddressInfo | string;
      const socket =
        typeof address === 'string' ? connect(address) : connect(address.port, '127.0.0.1');
      const [text] = (await once(socket, 'data')) as [Buffer];
      expect(text.toString()).toBe('here');
      await new Promise((resolve) => server.close(resolve));
    }
    expect(takeRefused()).toEqual([]);
  });
});
