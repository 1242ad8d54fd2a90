/** What a switch gets; that a real one does with it what it should, node/neighbours.test.ts shows. */
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { managementSocket, PacketSender } from '../../../../src/daemon/ovs/packet-out.ts';
import { RecordingLog } from '../recording-log.ts';

const BARRIER_REPLY = '0415000800000000';
const ERROR = '0401000c0000000000010009';
const HELLO = '0400001000000000000100080000007e';

/** A switch that answers with what `answers` returns as soon as it has a barrier request. */
async function switchOf(answer: (socket: Socket) => void) {
  const directory = mkdtempSync(join(tmpdir(), 'switch-'));
  const received: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk);
      if (Buffer.concat(received).toString('hex').endsWith('0414000800000000')) answer(socket);
    });
  });
  server.listen(join(directory, 'br-int.mgmt'));
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const log = new RecordingLog();
  const sender = new PacketSender({ database: `unix:${directory}/db.sock`, log });
  return { sender, log, sent: () => Buffer.concat(received).toString('hex') };
}

const FRAMES = { port: 7, frames: [Buffer.from('aabb', 'hex'), Buffer.from('cc', 'hex')] };
const HEAD = 'ffffffff0000000700100000000000000000';

describe('frames of a port', () => {
  it('go to the flow tables as if they had come in by it, and a barrier after them', async () => {
    const { sender, log, sent } = await switchOf((socket) => {
      socket.write(Buffer.from(HELLO + BARRIER_REPLY, 'hex'));
    });
    await sender.send(FRAMES);
    const output = '0010fffffff9000000000000';
    const [hello, first, second, barrier] = [
      '04000010000000000001000800000010',
      `040d002a00000000${HEAD}${output}0000aabb`,
      `040d002900000000${HEAD}${output}0000cc`,
      '0414000800000000',
    ];
    expect(sent()).toBe([hello, first, second, barrier].join(''));
    expect(log.lines).toEqual([]);
  });

  it('are sent, however the answer comes in pieces', async () => {
    const { sender, log } = await switchOf((socket) => {
      const bytes = [...Buffer.from(HELLO + BARRIER_REPLY, 'hex')];
      const writeNext = () => {
        const byte = bytes.shift();
        if (byte !== undefined) socket.write(Buffer.of(byte), writeNext);
      };
      writeNext();
    });
    await sender.send(FRAMES);
    expect(log.lines).toEqual([]);
  });
});

describe('a switch that does not take them', () => {
  it.each([
    ['refuses', (socket: Socket) => socket.write(Buffer.from(HELLO + ERROR, 'hex')), '00010009'],
    ['hangs up', (socket: Socket) => socket.end(), 'closed the connection'],
  ])('and %s is told once in the log, and that it is over', async (_title, fail, reason) => {
    let isWell = false;
    const { sender, log } = await switchOf((socket) => {
      if (isWell) socket.write(Buffer.from(BARRIER_REPLY, 'hex'));
      else fail(socket);
    });
    await sender.send(FRAMES);
    await sender.send(FRAMES);
    isWell = true;
    await sender.send(FRAMES);
    expect(log.lines.map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(JSON.stringify(log.lines[0]?.fields)).toContain(reason);
  });

  it('and is not there neither', async () => {
    const log = new RecordingLog();
    await new PacketSender({ database: 'unix:/nosuch/db.sock', log }).send(FRAMES);
    expect(log.lines).toMatchObject([{ fields: { socket: '/nosuch/br-int.mgmt' } }]);
  });
});

it.each([
  ['unix:/run/openvswitch/db.sock', '/run/openvswitch/br-int.mgmt'],
  ['unix:/var/run/ovs/db.sock', '/var/run/ovs/br-int.mgmt'],
  ['tcp:127.0.0.1:6640', '/run/openvswitch/br-int.mgmt'],
])("is beside OVSDB's socket %s", (database, socket) => {
  expect(managementSocket(database)).toBe(socket);
});
