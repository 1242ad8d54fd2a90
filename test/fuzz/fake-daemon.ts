/** A server in the daemon's place that sends what it is told, and keeps what it was asked. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { HttpAnswer } from './values/http-answer.ts';

export interface Question {
  readonly path: string;
  readonly body: string;
}

/** What is asked behind all that others have asked, and is kept nowhere. */
const LAST = 'POST /last HTTP/1.0\r\nContent-Length: 0\r\n\r\n';

export class FakeDaemon implements AsyncDisposable {
  readonly #path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #answer: HttpAnswer | undefined;
  #questions: Question[] = [];

  private constructor(path: string) {
    this.#path = path;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async listen(path: string): Promise<FakeDaemon> {
    const server = new FakeDaemon(path);
    server.#server.listen(path);
    await once(server.#server, 'listening');
    return server;
  }

  /** Answers so from now on, and forgets what it was asked. */
  willSend(answer: HttpAnswer): void {
    this.#answer = answer;
    this.#questions = [];
  }

  /** Whole questions since then. */
  get questions(): readonly Question[] {
    return this.#questions;
  }

  /**
   * Resolves when everything is over that has been asked, also by those who gave up before they were
   * heard: on a busy machine the next call would be taken for two.
   */
  async idle(): Promise<void> {
    const last = connect(this.#path);
    last.resume().end(LAST);
    await once(last, 'close');
    // They were accepted before it.
    await Promise.all([...this.#sockets].map((socket) => once(socket, 'close')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const question = readQuestion(received);
      if (question === undefined) return;
      if (question.path === '/last') {
        socket.end();
        return;
      }
      this.#questions.push(question);
      this.#send(socket);
    });
  }

  #send(socket: Socket): void {
    if (this.#answer === undefined) throw new Error('no answer was set');
    const { bytes, cuts, end } = this.#answer;
    if (end === 'drop') {
      socket.destroy();
      return;
    }
    const places = cuts.map((part) => Math.floor(part * bytes.length)).sort((a, b) => a - b);
    let from = 0;
    for (const to of [...places, bytes.length]) {
      socket.write(bytes.slice(from, to), 'latin1');
      from = to;
    }
    if (end === 'close') socket.end();
  }
}

/** Undefined until all of it is there. */
function readQuestion(received: Buffer): Question | undefined {
  const headEnd = received.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = received.toString('latin1', 0, headEnd);
  const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1]);
  const body = received.subarray(headEnd + 4);
  if (body.length < length) return undefined;
  const [, path = ''] = /^POST (\S+) HTTP\/1\.0\r\n/.exec(head) ?? [];
  return { path, body: body.toString() };
}
