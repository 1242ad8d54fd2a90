/**
 * A proxy before a real ovsdb-server that does what a real one does not: it sends half a message,
 * sends what is none, or neither reads nor writes any more.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class BadServer implements AsyncDisposable {
  /** As a remote. */
  readonly remote: string;
  /** How often a client has connected. */
  connections = 0;
  readonly #server: Server;
  readonly #target: string;
  readonly #sockets = new Set<Socket>();
  #isHalf = false;
  #isDeaf = false;

  private constructor(server: Server, path: string, target: string) {
    this.#server = server;
    this.remote = `unix:${path}`;
    this.#target = target.slice('unix:'.length);
    server.on('connection', (client) => this.#serve(client));
  }

  /** @param target the remote of the real server */
  static async start(path: string, target: string): Promise<BadServer> {
    const server = createServer().listen(path);
    await once(server, 'listening');
    return new BadServer(server, path, target);
  }

  /** Sends that to all clients. */
  say(text: string): void {
    for (const socket of this.#sockets) socket.write(text);
  }

  /** Of what the server sends next only the first half is passed on, and then the connection ends. */
  halveNext(): void {
    this.#isHalf = true;
  }

  /** Neither reads nor writes any more on the connections that there are. */
  goDeaf(): void {
    this.#isDeaf = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** New connections are served again. */
  recover(): void {
    this.#isDeaf = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    this.connections += 1;
    const real = connect(this.#target);
    this.#sockets.add(client);
    const end = () => {
      this.#sockets.delete(client);
      client.destroy();
      real.destroy();
    };
    for (const socket of [client, real]) socket.on('error', end).on('close', end);
    client.on('data', (bytes) => real.write(bytes));
    real.on('data', (bytes) => {
      if (this.#isDeaf) return;
      if (!this.#isHalf) {
        client.write(bytes);
        return;
      }
      this.#isHalf = false;
      client.end(bytes.subarray(0, bytes.length / 2));
    });
  }
}
