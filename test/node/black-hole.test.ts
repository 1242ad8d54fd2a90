/** The lab's black hole: packets vanish, and neither side is told. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BlackHole } from '../lab/black-hole.ts';
import { command } from '../lab/command.ts';

const server = createServer((socket) => {
  socket.on('data', (bytes) => socket.write(bytes)).on('error', () => undefined);
});
let port = 0;
beforeAll(async () => {
  await command('ip', ['link', 'set', 'lo', 'up']);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
});

async function dial(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

function answers(socket: Socket, word: string): Promise<string> {
  socket.write(word);
  return once(socket, 'data').then(([bytes]) => `${bytes}`);
}

const NOTHING = 'nothing';
const inAWhile = () => sleep(300, NOTHING);

test('of a port swallows connections of before and new ones, and lets through what TCP repeats', async () => {
  const known = await dial();
  expect(await answers(known, 'before')).toBe('before');
  const hole = await BlackHole.ofPort(port);
  const answer = answers(known, 'during');
  const fresh = dial();
  expect(await Promise.race([answer, fresh, once(known, 'close'), inAWhile()])).toBe(NOTHING);
  await hole[Symbol.asyncDispose]();
  expect(await answer).toBe('during');
  for (const socket of [known, await fresh]) socket.destroy();
});

test('of connections swallows those, and new ones work', async () => {
  const known = await dial();
  await using _ = await BlackHole.ofConnections(port, [known.localPort ?? 0]);
  const answer = answers(known, 'during');
  expect(await Promise.race([answer, once(known, 'close'), inAWhile()])).toBe(NOTHING);
  const fresh = await dial();
  expect(await answers(fresh, 'fresh')).toBe('fresh');
  for (const socket of [known, fresh]) socket.destroy();
});
