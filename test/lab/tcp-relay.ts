/** Hands TCP connections on, so that a server of one network namespace is reached at an address of another. */
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Resolves when it listens; `close` it at the end. */
export async function relayTcp(from: Endpoint, to: Endpoint): Promise<Server> {
  const server = createServer((socket) => {
    const onward = connect(to.port, to.host);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on('error', () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(from.port, from.host);
  await once(server, 'listening');
  return server;
}
