/**
 * One question and one answer over a unix socket. Loading node:net takes bun 3 ms, a third of the
 * whole call, and its own sockets nothing: the compiled executable uses those, and node (tests,
 * development) node:net.
 */

/** What is sent to which socket, and how much is waited for. */
export interface Exchange {
  readonly socketPath: string;
  readonly question: Buffer;
  /** From connecting to the answer's last byte. */
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
}

/** What each of the two kinds of socket is made to do. */
interface Wire {
  /** Ends the connection; `reason` is what the exchange then fails with. */
  destroy(reason: Error): void;
}

/** What is called for the events of a connection. */
interface Events {
  data(chunk: Uint8Array): void;
  error(error: Error): void;
  close(): void;
}

/**
 * Sends the question and collects bytes until the other side closes. Rejects with the socket's
 * error (its `code` is the system's), or with an Error whose message goes on from "the daemon".
 * Our side stays open until the answer is there: servers take its early end for a client that
 * has gone.
 */
export async function exchange(options: Exchange): Promise<Buffer> {
  const { timeoutMs, answerBytesMax } = options;
  const answer = Promise.withResolvers<Buffer>();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const giveUp = (reason: string) => {
    answer.reject(new Error(reason));
    wire?.destroy(new Error(reason));
  };
  const timer = setTimeout(giveUp, timeoutMs, `did not answer within ${timeoutMs} ms`);
  const events: Events = {
    data: (chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > answerBytesMax) giveUp(`answered with more than ${answerBytesMax} bytes`);
    },
    error: answer.reject,
    // Comes after an error too, where it has no effect: the promise is settled.
    close: () => answer.resolve(Buffer.concat(chunks)),
  };
  let wire: Wire | undefined;
  const connecting =
    bun === undefined ? connectByNode(options, events) : connectByBun(bun, options, events);
  connecting.then((connected) => {
    wire = connected;
  }, answer.reject);
  try {
    return await answer.promise;
  } finally {
    clearTimeout(timer);
  }
}

/** True for the error of a connection to a socket that does not exist or has lost its server. */
export function isNotListening(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}

async function connectByNode({ socketPath, question }: Exchange, events: Events): Promise<Wire> {
  const { connect } = await import('node:net');
  const socket = connect({ path: socketPath });
  socket.on('data', events.data).on('error', events.error).on('close', events.close);
  socket.write(question);
  return socket;
}

/** The part of bun's socket that is used (bun's documentation, "TCP sockets"). */
interface BunSocket {
  /** Returns how many bytes the kernel took; `drain` tells when it takes more. */
  write(bytes: Uint8Array): number;
  terminate(): void;
}
interface Bun {
  connect(options: {
    unix: string;
    socket: {
      open(socket: BunSocket): void;
      drain(socket: BunSocket): void;
      data(socket: BunSocket, chunk: Uint8Array): void;
      error(socket: BunSocket, error: Error): void;
      close(socket: BunSocket): void;
    };
  }): Promise<BunSocket>;
}
const bun = (globalThis as { Bun?: Bun }).Bun;

async function connectByBun(
  bun: Bun,
  { socketPath, question }: Exchange,
  events: Events,
): Promise<Wire> {
  let rest: Uint8Array = question;
  const send = (socket: BunSocket) => {
    const sent = Math.max(0, socket.write(rest));
    rest = rest.subarray(sent);
  };
  const socket = await bun.connect({
    unix: socketPath,
    socket: {
      open: send,
      drain: (socket) => {
        if (rest.length > 0) send(socket);
      },
      data: (_socket, chunk) => events.data(chunk),
      error: (_socket, error) => events.error(error),
      close: () => events.close(),
    },
  });
  return { destroy: () => socket.terminate() };
}
