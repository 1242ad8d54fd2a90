/** What stands on the socket is no daemon of ours: an error that invites a retry. */
import { mkdir, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterAll, beforeAll, test } from 'vitest';
import { freeSocketPath, rawDaemon } from '../unit/plugin/fake-daemon.ts';
import { Fixture, ovnConfig } from './fixture.ts';
import { expectRefusal } from './refusal.ts';

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** A socket file whose listener has gone. */
async function deserted(): Promise<string> {
  await mkdir('/run/deserted', { recursive: true });
  const server = createServer().listen('/run/deserted/first.sock');
  await rename('/run/deserted/first.sock', '/run/deserted/daemon.sock');
  await new Promise((resolve) => server.close(resolve));
  return '/run/deserted/daemon.sock';
}

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n';

test.each<{ title: string; socket: () => Promise<string>; says: string }>([
  { title: 'nothing', socket: async () => freeSocketPath(), says: 'ENOENT' },
  { title: 'nobody any more', socket: deserted, says: 'ECONNREFUSED' },
  {
    title: 'a server that closes at once',
    socket: () => rawDaemon((socket) => socket.end()),
    says: 'without an answer',
  },
  {
    title: 'a server that resets in the middle',
    socket: () =>
      rawDaemon((socket) => socket.write('HTTP/1.0 200 OK\r\n', () => socket.destroy())),
    says: 'not a whole HTTP answer',
  },
  {
    title: 'a server of another protocol',
    socket: () => rawDaemon((socket) => socket.end('220 mail ready\r\n\r\n')),
    says: '220 mail ready',
  },
  {
    title: 'a server that cuts its body',
    socket: () =>
      rawDaemon((socket) => socket.end('HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\n{')),
    says: '"99" bytes',
  },
  {
    title: 'a server that says no JSON',
    socket: () => rawDaemon((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n<html>')),
    says: 'ips',
  },
  {
    title: 'a server of HTTP/1.1 only',
    socket: () => rawDaemon((socket) => socket.end(CHUNKED)),
    says: 'chunked',
  },
  {
    title: 'a server without our routes',
    socket: () =>
      rawDaemon((socket) => socket.end('HTTP/1.0 404 Not Found\r\n\r\n404 page not found')),
    says: '/api/v1/add',
  },
])('$title on the socket is error 11 that names the socket or the call', async (wanted) => {
  const { sandbox } = await fixture.pod();
  const config = ovnConfig({ server_socket: await wanted.socket() });
  await expectRefusal(fixture.node, sandbox, { code: 11, says: ['daemon', wanted.says], config });
});
