/**
 * A line to a TCP server on this host that can be disturbed: what lies between two machines. Each
 * client that is to be disturbed alone has one of its own.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of bytes: they arrive, they are held back until later, or the connection breaks. */
type State = 'open' | 'answersHeld' | 'held' | 'cut';

interface Connection {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing arrives on it any more, whatever becomes of the line. */
  isLost: boolean;
}

type End = 'client' | 'server';

export class TcpLine implements AsyncDisposable {
  readonly #listener: Server;
  readonly #connections = new Set<Connection>();
  readonly #scheme: string;
  #state: State = 'open';

  private constructor({ port: ofServer, protocol }: URL) {
    const port = Number(ofServer);
    this.#scheme = protocol;
    this.#listener = createServer((client) => this.#accept(client, port));
  }

  /** @param url of the server, like `https://127.0.0.1:12345` */
  static async start(url: string): Promise<TcpLine> {
    const line = new TcpLine(new URL(url));
    line.#listener.listen(0, '127.0.0.1');
    await once(line.#listener, 'listening');
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#listener, 'close');
    this.#listener.close();
    this.cut();
    await closed;
  }

  /** The server's, by way of this line. */
  get url(): string {
    return `${this.#scheme}//127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Breaks all connections, and new ones. */
  cut(): void {
    this.#enter('cut');
  }

  /** Nothing arrives any more, on either side, and nothing breaks. */
  hold(): void {
    this.#enter('held');
  }

  /**
   * The connections of now lead nowhere for good, and nothing breaks: a load balancer has failed
   * over. New ones work.
   */
  lose(): void {
    for (const connection of this.#connections) {
      connection.isLost = true;
      this.#apply(connection);
    }
  }

  /** The server gets what is sent to it, and its answers do not arrive. */
  holdAnswers(): void {
    this.#enter('answersHeld');
  }

  /** All is well again, and what was held back arrives. */
  restore(): void {
    this.#enter('open');
  }

  #enter(state: State): void {
    this.#state = state;
    for (const connection of this.#connections) this.#apply(connection);
  }

  #accept(client: Socket, port: number): void {
    const connection = { client, server: connect(port, '127.0.0.1'), isLost: false };
    this.#connections.add(connection);
    this.#join(connection, 'client', 'server');
    this.#join(connection, 'server', 'client');
    this.#apply(connection);
  }

  #join(connection: Connection, from: End, to: End): void {
    const { [from]: source, [to]: target } = connection;
    source
      .on('data', (bytes) => target.write(bytes))
      .on('end', () => target.end())
      // A break is the point of it.
      .on('error', () => undefined)
      .once('close', () => {
        // Of a connection that is lost, neither side learns that the other one has left.
        if (connection.isLost && this.#listener.listening) return;
        target.destroy();
        this.#connections.delete(connection);
      });
  }

  #apply({ client, server, isLost }: Connection): void {
    if (this.#state === 'cut') {
      client.resetAndDestroy();
      server.resetAndDestroy();
      return;
    }
    if (isLost) {
      client.pause();
      server.pause();
      return;
    }
    if (this.#state === 'held') client.pause();
    else client.resume();
    if (this.#state === 'open') server.resume();
    else server.pause();
  }
}
