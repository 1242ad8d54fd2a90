import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { TcpLine } from '../../lab/tcp-line.ts';

/** A server that answers every word with itself, a line to it, and what it was told. */
async function setUp() {
  const heard: string[] = [];
  const first = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    socket
      .on('data', (bytes) => {
        heard.push(`${bytes}`);
        first.resolve();
        socket.write(bytes);
      })
      .on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const line = await TcpLine.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const sockets: Socket[] = [];
  const dial = () => {
    const socket = connect(Number(new URL(line.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  };
  const dispose = async () => {
    for (const socket of sockets) socket.destroy();
    await line[Symbol.asyncDispose]();
    server.close();
  };
  return { line, heard, firstHeard: first.promise, dial, [Symbol.asyncDispose]: dispose };
}

/** Resolves when a connection is over, with or without an error. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

describe('a line', () => {
  it('carries words both ways', async () => {
    await using all = await setUp();
    const client = all.dial();
    client.write('hello');
    expect(`${(await once(client, 'data'))[0]}`).toBe('hello');
    expect(all.heard).toEqual(['hello']);
  });

  it.each([
    ['hold', []],
    ['holdAnswers', ['hello']],
  ] as const)(
    'after %s has brought %j, and brings the rest when it is restored',
    async (how, heard) => {
      await using all = await setUp();
      const client = all.dial();
      all.line[how]();
      client.write('hello');
      const answer = once(client, 'data');
      if (heard.length > 0) await all.firstHeard;
      expect(await Promise.race([answer, sleep(100)])).toBeUndefined();
      expect(all.heard).toEqual(heard);
      all.line.restore();
      expect(`${(await answer)[0]}`).toBe('hello');
    },
  );

  it('that is cut breaks, and new ones too, until it is restored', async () => {
    await using all = await setUp();
    const client = all.dial();
    client.write('hello');
    await once(client, 'data');
    all.line.cut();
    await closed(client);
    await closed(all.dial());
    all.line.restore();
    const again = all.dial();
    again.write('again');
    expect(`${(await once(again, 'data'))[0]}`).toBe('again');
    expect(all.heard).toEqual(['hello', 'again']);
  });
});
