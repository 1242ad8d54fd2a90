/**
 * Frames that take the way of a port's own through the integration bridge, by OpenFlow's packet-out
 * (OpenFlow Switch Specification 1.3, section 7.3.7) on the bridge's management socket, which
 * ovs-ofctl(8) uses, too. No child process, and the pod's namespace is not entered: it costs less
 * than a millisecond.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Logger } from '../../common/log.ts';
import { Outage } from '../../common/outage.ts';
import { messageOf } from '../../common/text.ts';
import { INTEGRATION_BRIDGE } from './port.ts';

/** OpenFlow 1.3. */
const VERSION = 4;
const MessageType = {
  hello: 0,
  error: 1,
  packetOut: 13,
  barrierRequest: 20,
  barrierReply: 21,
} as const;
const HEADER_BYTES = 8;
/** ovs-vswitchd answers within a millisecond; ms. */
const TIMEOUT_MS = 2000;

/** Frames of one port: whole Ethernet frames, without the frame check sequence. */
export interface PacketOut {
  /** Number of the OpenFlow port that the frames are to have come from. */
  readonly port: number;
  readonly frames: readonly Buffer[];
}

/** Sends frames, for as long as it takes: nobody waits for it, and a failure is only logged. */
export class PacketSender {
  readonly #socketPath: string;
  readonly #outage: Outage;

  /** @param options.database OVSDB remote: the bridge's socket is beside a unix socket of it */
  constructor({ database, log }: { database: string; log: Logger }) {
    this.#socketPath = managementSocket(database);
    this.#outage = new Outage(log, {
      fields: { socket: this.#socketPath },
      lost: 'cannot announce new NICs to their networks: neighbours that know an address at another MAC find it only after some time',
      back: 'new NICs are announced again',
    });
  }

  /** Resolves when OVS has sent the frames, or when that failed. Never rejects. */
  async send(packetOut: PacketOut): Promise<void> {
    try {
      await sendFrames(this.#socketPath, packetOut);
      this.#outage.end(performance.now());
    } catch (error) {
      this.#outage.begin(messageOf(error));
    }
  }
}

/** ovs-vswitchd makes it in its run directory, where ovsdb-server has its own (ovs-vswitchd(8)). */
export function managementSocket(database: string): string {
  return `${managementFolder(database)}/${INTEGRATION_BRIDGE}.mgmt`;
}

/** Where each bridge has its socket, `<bridge>.mgmt`. */
export function managementFolder(database: string): string {
  const [, path = '/run/openvswitch/db.sock'] = /^unix:(\/.+)$/.exec(database) ?? [];
  return dirname(path);
}

/** @throws Error that says what the switch or the system said */
async function sendFrames(socketPath: string, { port, frames }: PacketOut): Promise<void> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const socket = connect({ path: socketPath, signal });
  try {
    await once(socket, 'connect', { signal });
    // The switch reads what follows as soon as it has our hello: there is nothing to wait for.
    const packets = frames.map((frame) => packetOut(port, frame));
    socket.write(Buffer.concat([hello(), ...packets, message(MessageType.barrierRequest)]));
    let rest = Buffer.alloc(0);
    for await (const chunk of socket) {
      rest = Buffer.concat([rest, chunk]);
      const read = readMessages(rest);
      if (read.isDone) return;
      rest = read.rest;
    }
    throw new Error('ovs-vswitchd closed the connection');
  } catch (error) {
    throw signal.aborted ? new Error(`no answer within ${TIMEOUT_MS} ms`) : error;
  } finally {
    socket.destroy();
  }
}

/** @throws Error for what the switch refuses */
function readMessages(bytes: Buffer): { isDone: boolean; rest: Buffer<ArrayBuffer> } {
  let at = 0;
  let isDone = false;
  while (bytes.length - at >= HEADER_BYTES) {
    const type = bytes.readUInt8(at + 1);
    const length = Math.max(bytes.readUInt16BE(at + 2), HEADER_BYTES);
    if (bytes.length - at < length) break;
    if (type === MessageType.error) {
      const body = bytes.subarray(at + HEADER_BYTES, at + length).toString('hex');
      throw new Error(`OpenFlow error, type and code ${body.slice(0, 8)}`);
    }
    isDone ||= type === MessageType.barrierReply;
    at += length;
  }
  return { isDone, rest: Buffer.from(bytes.subarray(at)) };
}

/** With the only version that we speak in its bitmap (section 7.5.1). */
function hello(): Buffer {
  const bitmap = Buffer.alloc(8);
  bitmap.writeUInt16BE(1, 0);
  bitmap.writeUInt16BE(bitmap.length, 2);
  bitmap.writeUInt32BE(1 << VERSION, 4);
  return message(MessageType.hello, bitmap);
}

/** OFP_NO_BUFFER: the frame is in the message. */
const NO_BUFFER = 0xffff_ffff;
/** OFPP_TABLE: where a frame goes that comes in by a port. */
const FLOW_TABLES = 0xffff_fff9;
const OUTPUT_BYTES = 16;

function packetOut(port: number, frame: Buffer): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32BE(NO_BUFFER, 0);
  head.writeUInt32BE(port, 4);
  head.writeUInt16BE(OUTPUT_BYTES, 8);
  // OFPAT_OUTPUT is 0.
  const output = Buffer.alloc(OUTPUT_BYTES);
  output.writeUInt16BE(OUTPUT_BYTES, 2);
  output.writeUInt32BE(FLOW_TABLES, 4);
  return message(MessageType.packetOut, head, output, frame);
}

function message(type: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(VERSION, 0);
  header.writeUInt8(type, 1);
  header.writeUInt16BE(HEADER_BYTES + body.length, 2);
  return Buffer.concat([header, body]);
}
