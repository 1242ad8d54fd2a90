/**
 * One HTTP/1.0 POST over a unix socket, by hand: node:http costs 3 ms more per call, most of it
 * loading its code, and this executable makes one call and ends. With HTTP/1.0 the server closes
 * the connection at the answer's end and may not send it in chunks.
 */
import { exchange } from './unix-socket.ts';

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** The request, and for how long it may take. */
export interface Post {
  readonly socketPath: string;
  readonly path: string;
  /** JSON text. */
  readonly body: string;
  /** For the whole exchange, from connecting to the answer's last byte. */
  readonly timeoutMs: number;
}

/** The whole answer. */
export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * Rejects with the socket's error (its `code` is the system's), or with an Error whose message
 * goes on from "the daemon": it was too slow, or what it sent is not a whole answer.
 */
export async function post({ socketPath, path, body, timeoutMs }: Post): Promise<Answer> {
  const question = Buffer.from(
    `POST ${path} HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  const limits = { timeoutMs, answerBytesMax: ANSWER_BYTES_MAX };
  return parseAnswer(await exchange({ socketPath, question, ...limits }));
}

function parseAnswer(raw: Buffer): Answer {
  const headEnd = raw.indexOf('\r\n\r\n');
  const [statusLine = '', ...headers] = raw.toString('latin1', 0, headEnd).split('\r\n');
  const [, status] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine) ?? [];
  if (headEnd < 0 || status === undefined) {
    const start = JSON.stringify(raw.toString('latin1', 0, 60));
    throw new Error(
      raw.length === 0
        ? 'closed the connection without an answer'
        : `sent what is not a whole HTTP answer; it starts with ${start}`,
    );
  }
  const body = raw.subarray(headEnd + 4);
  for (const header of headers) {
    checkFraming(header, body.length);
  }
  return { status: Number(status), body: body.toString() };
}

/** Throws where a header says that the bytes after the head are not the whole body as it is. */
function checkFraming(header: string, bodyBytes: number): void {
  const [, name = '', value = ''] = /^([^:]*):[ \t]*(.*?)[ \t]*$/.exec(header) ?? [];
  if (/^transfer-encoding$/i.test(name)) {
    throw new Error(`sent its answer in transfer encoding "${value}", which HTTP/1.0 has not`);
  }
  if (/^content-length$/i.test(name) && value !== String(bodyBytes)) {
    throw new Error(`announced a body of "${value}" bytes and sent ${bodyBytes}`);
  }
}
