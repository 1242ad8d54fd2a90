/**
 * One HTTP request to the API server and the beginning of its answer.
 *
 * A server that is about to end says GOAWAY on an HTTP/2 connection: it answers what it has taken,
 * and nothing that came later. undici sends the latter again on another connection, once; where the
 * next server says GOAWAY, too, we do. Whatever the method: the server has not looked at it.
 *
 * Where the server has closed a connection in order, a request that came too late for it has no
 * answer, and undici cannot always tell that from one that was done. It is sent again, too, at once or
 * never: a merge patch that is done twice is the same, and what is created or deleted twice is refused
 * the second time (409, 404), which whoever writes here takes for an object that is there, or gone.
 * Of what broke otherwise only what changes nothing is sent again.
 */
import { STATUS_CODES } from 'node:http';
import { HttpMethod } from '@kubernetes/client-node';
import { type Dispatcher, request } from 'undici';
import { Backoff } from '../concurrency/backoff.ts';
import { abortable, DeadlinePassed } from '../concurrency/deadline.ts';
import { isSilentConnection, type KeptConnections } from './connections.ts';
import { askForText, type TextAnswer } from './text-answer.ts';

/** Parameters of a request's query; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** A request: `path` is from the server's root, without the query; `body.content` is sent as JSON. */
export interface Question {
  readonly method: HttpMethod;
  readonly path: string;
  readonly query?: Query;
  readonly body?: { readonly type: string; readonly content: unknown };
  readonly signal: AbortSignal;
}

/** The beginning of an answer, of whatever status. */
export interface Answer {
  readonly status: number;
  readonly statusText: string;
  /** Ends when `signal` is aborted. One that is not read to its end must be destroyed. */
  readonly body: Dispatcher.ResponseData['body'];
}

/**
 * For requests that no server has taken: each attempt is another connection. One that says GOAWAY
 * after its first request refuses all others that are waiting, again and again.
 */
const ATTEMPTS_MAX = 100;
const UNPAUSED_ATTEMPTS = 3;
const PAUSES = { firstMs: 5, maxMs: 250 };
/** For requests that may be done twice. */
const READ_ATTEMPTS_MAX = 2;
/** For requests on connections that were closed in order. */
const CLOSED_ATTEMPTS_MAX = 5;
/**
 * After the first attempt; ms. Far less than a Lease lasts: a process that was stopped meanwhile writes
 * nothing again.
 */
const CLOSED_REPEAT_WITHIN_MS = 2_000;
/**
 * After so long without an answer a request that is given up makes its connection suspect; ms. The
 * first where its time was up, the second whatever the reason.
 */
const SUSPECT_AFTER_MS = { timeIsUp: 1_000, anyhow: 5_000 };

/**
 * Sends a request whose answer is read as a stream, and resolves with the head of the answer.
 * @throws what undici throws; `signal.reason` or undici's words for it where it is aborted
 */
export function exchange(connections: KeptConnections, question: Question): Promise<Answer> {
  return exchangeBy(askForStream, connections, question);
}

/** The same where the answer is short: it is read as one text. */
export function exchangeText(
  connections: KeptConnections,
  question: Question,
): Promise<TextAnswer> {
  return exchangeBy(askForText, connections, question);
}

type Ask<T> = (
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
) => Promise<T>;

async function exchangeBy<T>(
  ask: Ask<T>,
  connections: KeptConnections,
  question: Question,
): Promise<T> {
  const startedAt = performance.now();
  let backoff: Backoff | undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptExchange(ask, connections, question);
    } catch (error) {
      backoff ??= new Backoff(PAUSES);
      const passedMs = performance.now() - startedAt;
      if (attempt >= attemptsMax(question, error, passedMs)) throw error;
      if (question.signal.aborted) throw error;
      if (attempt >= UNPAUSED_ATTEMPTS) await backoff.pause(question.signal);
    }
  }
}

/** How often a request may be sent that failed so. */
function attemptsMax({ method }: Question, error: unknown, passedMs: number): number {
  if (wasNotTaken(error)) return ATTEMPTS_MAX;
  if (wasClosed(error) && passedMs < CLOSED_REPEAT_WITHIN_MS) return CLOSED_ATTEMPTS_MAX;
  return method === HttpMethod.GET && isBroken(error) ? READ_ATTEMPTS_MAX : 1;
}

async function attemptExchange<T>(
  ask: Ask<T>,
  connections: KeptConnections,
  { method, path, query = {}, body, signal }: Question,
): Promise<T> {
  const url = urlOf(connections.config.getCurrentCluster()?.server ?? '', path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const { dispatcher, headers } = await connections.authenticate();
  const accept = { ...headers, accept: 'application/json' };
  const askedAt = performance.now();
  try {
    return await ask(
      dispatcher,
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: method as Dispatcher.HttpMethod,
        ...(body === undefined
          ? { headers: accept }
          : {
              headers: { ...accept, 'content-type': body.type },
              // As one piece: undici repeats no request whose body it cannot read twice.
              body: Buffer.from(JSON.stringify(body.content)),
            }),
      },
      signal,
    );
  } catch (error) {
    // It may be the connection and not the server.
    const suspectAfterMs = SUSPECT_AFTER_MS[isTimeUp(signal) ? 'timeIsUp' : 'anyhow'];
    const isSuspect = signal.aborted && performance.now() - askedAt > suspectAfterMs;
    if (isSuspect) connections.abandon(dispatcher);
    throw error;
  }
}

/** Of a request without a body. */
async function askForStream(
  dispatcher: Dispatcher,
  { origin = '', ...options }: Dispatcher.DispatchOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const asked = request(origin, { ...options, dispatcher, signal });
  // undici does not notice before it has a connection.
  const response = await abortable(asked, signal).catch((error: unknown) => {
    asked.then(
      ({ body: late }) => drop(late),
      () => undefined,
    );
    throw error;
  });
  const { statusCode: status } = response;
  // HTTP/2 has no words for a status.
  const statusText = response.statusText || (STATUS_CODES[status] ?? '');
  return { status, statusText, body: response.body };
}

/** Reads an answer that nobody waits for any more: its connection goes on. */
function drop(body: Answer['body']): void {
  body.on('error', () => undefined).resume();
}

/** @throws TypeError for a path that an URL takes for another one: see path.ts, which makes none */
function urlOf(server: string, path: string): URL {
  const url = new URL(server + path);
  const isMeant = url.pathname.endsWith(path) && url.search === '' && url.hash === '';
  if (!isMeant) throw new TypeError(`${JSON.stringify(path)} is no path of the API server`);
  return url;
}

/** True for a signal that was aborted since its time is up, and not because nobody waits any more. */
export function isTimeUp({ reason }: AbortSignal): boolean {
  if (reason instanceof DeadlinePassed) return true;
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

/** RFC 9113, section 7: REFUSED_STREAM. */
const REFUSED_STREAM = 7;

/**
 * True where the server has certainly not looked at the request (RFC 9113, section 8.7). undici
 * fails requests with these words only where their stream is newer than the last one that GOAWAY
 * says to be taken; a test holds it to that.
 */
function wasNotTaken(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('http2ErrorCode' in error && error.http2ErrorCode === REFUSED_STREAM) return true;
  return error.message.startsWith('HTTP/2: "GOAWAY" frame received');
}

/** True where the server closed the connection, and did not break it. */
function wasClosed(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === 'UND_ERR_SOCKET' && /^(other side )?closed$/.test(error.message);
}

/** True where a connection broke that had been there. */
function isBroken(error: unknown): boolean {
  if (isSilentConnection(error)) return true;
  if (!(error instanceof Error) || !('code' in error)) return false;
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(String(error.code));
}
