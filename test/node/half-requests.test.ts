/** Connections without a whole request: they are closed in time, and hold up no daemon that ends. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { STATUS_PATH } from '../../src/wire/paths.ts';
import { SOCKET } from '../lab/daemon.ts';
import { requestFields } from '../lab/raw-http.ts';
import { podLink } from '../lab/snapshot.ts';
import { ATTACHNET, Fixture } from './fixture.ts';

/** The daemon's own bound is 2 s; what runs beside on a busy machine is not its matter; ms. */
const ENDS_WITHIN_MS = 5000;

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture[Symbol.asyncDispose]());

const HEAD = 'POST /api/v1/add HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const STATUS_BODY = JSON.stringify({ cni_type: 'macvlan', provider: 'macvlan.default' });
const STATUS_CALL = `POST ${STATUS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${STATUS_BODY.length}\r\n\r\n${STATUS_BODY}`;

async function open(text: string): Promise<Socket> {
  const socket = connect(SOCKET);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

/** Half requests of every kind, and a connection that is kept for the next call. */
async function openAll(): Promise<Socket[]> {
  const halves = ['', 'POST /api', HEAD, `${HEAD}Content-Length: 100\r\n\r\n{"cni_type"`];
  const chunked = `${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\n{"cni`;
  const sockets = await Promise.all([...halves, chunked].map(open));
  const kept = await open(STATUS_CALL);
  await once(kept, 'data');
  return [...sockets, kept];
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'do not keep a daemon from ending: %s',
  async (signal) => {
    const sockets = await openAll();
    const closed = Promise.all(sockets.map((socket) => once(socket.resume(), 'close')));
    const startedAt = performance.now();
    await fixture.daemon.stop(signal);
    expect(performance.now() - startedAt).toBeLessThan(ENDS_WITHIN_MS);
    expect(fixture.daemon.process.exitCode).toBe(0);
    await closed;
    await fixture.restartDaemon(['--add-timeout-seconds=10']);
  },
);

test('are closed when their time is up, and others are served meanwhile', async () => {
  const sockets = await openAll();
  const closed = Promise.all(sockets.map((socket) => once(socket.resume(), 'close')));
  const call = await open(STATUS_CALL);
  await once(call, 'data');
  call.destroy();
  await closed;
}, 180_000);

test('a request whose second half comes while the daemon ends is served', async () => {
  const { sandbox } = await fixture.pod();
  const body = JSON.stringify(requestFields(sandbox, ATTACHNET));
  const socket = await open(`${HEAD}Content-Length: ${body.length}\r\n\r\n${body.slice(0, 20)}`);
  const answer = once(socket, 'data');
  const ended = fixture.daemon.stop();
  await fixture.daemon.logged('ending: calls in flight are finished');
  socket.write(body.slice(20));
  const [text] = await answer;
  expect(String(text)).toMatch(/^HTTP\/1.1 200 /);
  await ended;
  expect(await podLink(sandbox, 'net1')).toBeDefined();
  await fixture.restartDaemon(['--add-timeout-seconds=10']);
});
