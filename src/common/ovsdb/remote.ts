/**
 * Where a server is, in the form of OVSDB's programs (ovsdb(7), "Connection Methods"), and the way
 * there.
 */
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { abortable } from '../concurrency/deadline.ts';
import { allOf } from '../concurrency/together.ts';
import { messageOf } from '../text.ts';
import { OvsdbError } from './error.ts';

/**
 * One server: its socket in the file system, or its address and port. `text` is as it was given, for the log.
 */
export type Remote =
  | { readonly kind: 'unix'; readonly path: string; readonly text: string }
  | {
      readonly kind: 'tcp' | 'ssl';
      readonly host: string;
      readonly port: number;
      readonly text: string;
    };

/** PEM files. They are read for each connection, so that they may be replaced meanwhile. */
export interface TlsFiles {
  readonly privateKey: string;
  readonly certificate: string;
  readonly caCertificate: string;
}

const NETWORK_REMOTE = /^(tcp|ssl):(?:\[([0-9a-fA-F:.%\w]+)\]|([a-zA-Z0-9.-]+)):(\d{1,5})$/;
const UNIX_REMOTE = /^unix:(\/.+)$/;

/** @returns undefined for what is none: `unix:PATH`, `tcp:HOST:PORT`, `tcp:[ADDRESS]:PORT`, `ssl:…` */
export function parseRemote(text: string): Remote | undefined {
  const path = UNIX_REMOTE.exec(text)?.[1];
  if (path !== undefined) return { kind: 'unix', path, text };
  const [, kind, address, name, digits] = NETWORK_REMOTE.exec(text) ?? [];
  const [host, port] = [address ?? name, Number(digits)];
  if ((kind !== 'tcp' && kind !== 'ssl') || host === undefined) return undefined;
  return port >= 1 && port <= 65_535 ? { kind, host, port, text } : undefined;
}

/**
 * Several, with commas between; one that is named twice counts once.
 * @throws OvsdbError `unreachable` that names the one that is none
 */
export function parseRemotes(texts: string): readonly Remote[] {
  const distinct = new Set(texts.split(',').map((text) => text.trim()));
  return [...distinct].map((text) => {
    const remote = parseRemote(text);
    if (remote !== undefined) return remote;
    throw new OvsdbError(
      'unreachable',
      `${JSON.stringify(text)} is no OVSDB remote: expected tcp:[10.0.0.1]:6641, ssl:… or unix:/…`,
    );
  });
}

/**
 * Connects.
 * @throws OvsdbError `unreachable`; the signal's reason
 */
export async function connect(
  remote: Remote,
  tls: TlsFiles | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const context = remote.kind === 'ssl' ? await abortable(secureContext(tls), signal) : undefined;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = open(remote, context, resolve);
  // Stays, so that no later error of it is without a listener.
  socket.on('error', (error) => {
    reject(new OvsdbError('unreachable', messageOf(error)));
  });
  try {
    await abortable(promise, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

function open(remote: Remote, context: SecureContext | undefined, ready: () => void): Socket {
  if (remote.kind === 'unix') return connectTcp({ path: remote.path }, ready);
  const { host, port } = remote;
  if (context === undefined) return connectTcp({ host, port, noDelay: true }, ready);
  return connectTls(
    {
      host,
      port,
      secureContext: context,
      // As Open vSwitch's own programs: whoever has a certificate of this CA is believed, whatever
      // name stands in it (ovs-pki(8)).
      checkServerIdentity: () => undefined,
    },
    ready,
  ).setNoDelay();
}

async function secureContext(tls: TlsFiles | undefined): Promise<SecureContext> {
  if (tls === undefined) {
    throw new OvsdbError(
      'unreachable',
      'it talks TLS, and no private key, certificate and CA certificate are configured',
    );
  }
  const [key, cert, ca] = await allOf([
    readPem(tls.privateKey),
    readPem(tls.certificate),
    readPem(tls.caCertificate),
  ]);
  try {
    return createSecureContext({ key, cert, ca });
  } catch (error) {
    const files = `${tls.privateKey}, ${tls.certificate} or ${tls.caCertificate}`;
    throw new OvsdbError('unreachable', `${files} is of no use: ${messageOf(error)}`);
  }
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new OvsdbError('unreachable', `cannot read ${path}: ${messageOf(error)}`);
  }
}
