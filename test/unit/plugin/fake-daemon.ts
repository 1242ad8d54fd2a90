/** Servers on a unix socket in a fresh directory, for the tests of the executable. */
import { renameSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { makeRunFolder } from '../../lab/run-folder.ts';

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A path for a socket that nothing listens on; its directory goes with the test. */
export function freeSocketPath(): string {
  const directory = makeRunFolder('kube-ovn-test-');
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, 'daemon.sock');
}

/**
 * Node's HTTP server, which answers every request alike and notes what came. Like the daemon it
 * takes its socket's name when it listens.
 */
export async function httpDaemon(
  status: number,
  body: string,
  socketPath = freeSocketPath(),
): Promise<{ socketPath: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', httpVersion, headers } = request;
      received.push({ method, url, httpVersion, headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body);
    });
  });
  return { socketPath: await listening(server, socketPath), received };
}

/** A server that does with each connection's first bytes what `answer` says. */
export async function rawDaemon(
  answer: (socket: Socket, first: Buffer) => void,
  socketPath = freeSocketPath(),
): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (first: Buffer) => answer(socket, first));
    onTestFinished(() => {
      socket.destroy();
    });
  });
  return await listening(server, socketPath);
}

async function listening(server: Server, socketPath: string): Promise<string> {
  const temporary = join(dirname(socketPath), '.listening');
  await new Promise<void>((resolve) => server.listen(temporary, resolve));
  renameSync(temporary, socketPath);
  onTestFinished(() => {
    server.close();
  });
  return socketPath;
}
