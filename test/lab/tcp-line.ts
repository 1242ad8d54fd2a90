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
}

export class TcpLine implements AsyncDisposable {
  readonly #listener: Server;
  readonly #connections = new Set<Connection>();
  #state: State = 'open';

  private constructor(port: number) {
    this.#listener = createServer((client) => this.#accept(client, port));
  }

  /** @param url of the server, like `http://127.0.0.1:12345` */
  static async start(url: string): Promise<TcpLine> {
    const line = new TcpLine(Number(new URL(url).port));
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
    return `http://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /** Breaks all connections, and new ones. */
  cut(): void {
    this.#enter('cut');
  }

  /** Nothing arrives any more, on either side, and nothing breaks. */
  hold(): void {
    this.#enter('held');
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
    const connection = { client, server: connect(port, '127.0.0.1') };
    this.#connections.add(connection);
    this.#join(connection, 'client', 'server');
    this.#join(connection, 'server', 'client');
    this.#apply(connection);
  }

  #join(connection: Connection, from: keyof Connection, to: keyof Connection): void {
    const { [from]: source, [to]: target } = connection;
    source
      .on('data', (bytes) => target.write(bytes))
      .on('end', () => target.end())
      // A break is the point of it.
      .on('error', () => undefined)
      .once('close', () => {
        target.destroy();
        this.#connections.delete(connection);
      });
  }

  #apply({ client, server }: Connection): void {
    if (this.#state === 'cut') {
      client.resetAndDestroy();
      server.resetAndDestroy();
      return;
    }
    if (this.#state === 'held') client.pause();
    else client.resume();
    if (this.#state === 'open') server.resume();
    else server.pause();
  }
}
