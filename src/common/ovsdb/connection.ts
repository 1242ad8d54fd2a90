/**
 * JSON-RPC 1.0 with one OVSDB server, over one socket (RFC 7047, section 4): calls and their answers,
 * notifications, and `echo` both ways, by which each side finds out that the other is gone.
 */
import type { Socket } from 'node:net';
import { excerpt, OvsdbError } from './error.ts';
import { MessageFramer } from './framer.ts';

/** How long a server may be silent; ms. */
export interface SilenceLimits {
  /** After so long it is asked for an echo. */
  readonly probeAfterMs: number;
  /** After so long without anything more it is taken for gone. */
  readonly deadAfterMs: number;
}

/**
 * What the connection calls for everything that is no answer to a call. What a hook throws ends the
 * connection.
 */
export interface ConnectionHooks {
  /** A row of a message that has not ended (framer.ts). */
  row(table: string, uuid: string, update: unknown): void;
  notification(method: string, params: readonly unknown[]): void;
}

/** An answer that says that the call failed: `error` of RFC 7047, section 3.1. */
export class CallError extends OvsdbError {
  /** Like `unknown method` or `unknown database`. */
  readonly error: string;

  constructor(method: string, error: unknown) {
    super('refused', `${method}: ${excerpt(error)}`);
    const { error: tag = '' } = isRecord(error) ? error : {};
    this.error = typeof error === 'string' ? error : String(tag);
  }
}

interface Call {
  readonly method: string;
  /** A message handler may not be late: whatever follows the answer must find it handled. */
  readonly answered: (result: unknown) => void;
  readonly failed: (error: OvsdbError) => void;
}

/** What may wait in the socket because the server does not read; bytes. */
const UNSENT_BYTES_MAX = 64 * 1024 * 1024;

/** One connection to an OVSDB server: requests with their answers, updates, and echoes both ways. */
export class Connection {
  readonly #socket: Socket;
  readonly #hooks: ConnectionHooks;
  readonly #framer: MessageFramer;
  #silence: SilenceLimits;
  readonly #calls = new Map<number, Call>();
  readonly #closed = Promise.withResolvers<OvsdbError>();
  readonly #probe: NodeJS.Timeout;
  #dead: NodeJS.Timeout | undefined;
  #isClosed = false;
  #nextId = 1;

  /** @param socket connected, with a listener for errors */
  constructor(socket: Socket, silence: SilenceLimits, hooks: ConnectionHooks) {
    this.#socket = socket;
    this.#hooks = hooks;
    this.#silence = silence;
    this.#framer = new MessageFramer({
      row: (table, uuid, update) => hooks.row(table, uuid, update),
      message: (message) => this.#receive(message),
    });
    this.#probe = setTimeout(() => this.#askForEcho(), silence.probeAfterMs);
    socket.on('data', (bytes: Buffer) => this.#heard(bytes));
    socket.on('error', (error) => this.close(unreachable(error.message)));
    socket.on('close', () => this.close(unreachable(this.#howItEnded())));
  }

  /** Resolves, with the reason, when the connection has ended; never fails. */
  get closed(): Promise<OvsdbError> {
    return this.#closed.promise;
  }

  /** Changes how long the server may be silent, from its next silence on. */
  set silence(silence: SilenceLimits) {
    this.#silence = silence;
    this.#probe.refresh();
  }

  /**
   * Calls a method.
   * @param take is called with the result before anything that came behind it is looked at; what it
   *   throws closes the connection
   * @throws CallError; OvsdbError `interrupted` where the connection ends before the answer
   */
  call<T>(method: string, params: readonly unknown[], take?: (result: unknown) => T): Promise<T> {
    return this.callWith(method, JSON.stringify(params), take);
  }

  /** As `call`, with the parameters as JSON. */
  callWith<T>(
    method: string,
    params: string,
    take: (result: unknown) => T = (result) => result as T,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const id = this.#nextId;
    this.#nextId += 1;
    this.#calls.set(id, {
      method,
      answered: (result) => {
        try {
          resolve(take(result));
        } catch (error) {
          reject(error);
          throw error;
        }
      },
      failed: reject,
    });
    // Who no longer waits for the answer need not hear of its failure.
    promise.catch(() => {});
    if (this.#isClosed) {
      this.#calls.delete(id);
      reject(new OvsdbError('interrupted', `${method} was not sent: the connection has ended`));
    } else this.#send(`{"id":${id},"method":${JSON.stringify(method)},"params":${params}}`);
    return promise;
  }

  /** Ends the connection; calls under way fail as `interrupted`. */
  close(reason: OvsdbError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#probe);
    clearTimeout(this.#dead);
    this.#socket.destroy();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { method, failed } of calls) {
      failed(new OvsdbError('interrupted', `no answer to ${method}: ${reason.message}`));
    }
    this.#closed.resolve(reason);
  }

  #heard(bytes: Buffer): void {
    if (this.#isClosed) return;
    clearTimeout(this.#dead);
    this.#probe.refresh();
    try {
      this.#framer.feed(bytes);
    } catch (error) {
      const reason =
        error instanceof OvsdbError ? error : new OvsdbError('protocol', String(error));
      this.close(reason);
    }
  }

  #askForEcho(): void {
    this.call('echo', []).catch(() => {});
    const { probeAfterMs, deadAfterMs } = this.#silence;
    this.#dead = setTimeout(() => {
      const pending = this.#framer.pendingBytes;
      const half = pending > 0 ? `; ${pending} bytes of a message had come` : '';
      const seconds = (probeAfterMs + deadAfterMs) / 1000;
      this.close(unreachable(`it said nothing for ${seconds} s, not even to an echo${half}`));
    }, deadAfterMs);
  }

  #receive(message: unknown): void {
    if (!isRecord(message)) throw protocol('a message that is no object', message);
    const { id, method, params, result, error } = message;
    if (typeof method === 'string') this.#request(id, method, params);
    else if (typeof id === 'number') this.#answer(id, result, error, message);
    else throw protocol('a message that is neither request nor answer', message);
  }

  #request(id: unknown, method: string, params: unknown): void {
    if (!Array.isArray(params)) throw protocol(`parameters of ${method} that are no array`, params);
    if (id === null || id === undefined) this.#hooks.notification(method, params);
    else if (method === 'echo') this.#send(JSON.stringify({ id, result: params, error: null }));
    else this.#send(JSON.stringify({ id, result: null, error: { error: 'unknown method' } }));
  }

  #answer(id: number, result: unknown, error: unknown, message: unknown): void {
    const call = this.#calls.get(id);
    if (call === undefined) throw protocol('an answer that nobody waits for', message);
    this.#calls.delete(id);
    if (error === null || error === undefined) call.answered(result);
    else call.failed(new CallError(call.method, error));
  }

  #send(message: string): void {
    this.#socket.write(message);
    if (this.#socket.writableLength <= UNSENT_BYTES_MAX) return;
    this.close(unreachable(`it does not read: ${this.#socket.writableLength} bytes wait for it`));
  }

  #howItEnded(): string {
    const pending = this.#framer.pendingBytes;
    return pending > 0
      ? `it closed the connection within a message, of which ${pending} bytes had come`
      : 'it closed the connection';
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unreachable(message: string): OvsdbError {
  return new OvsdbError('unreachable', message);
}

function protocol(what: string, said: unknown): OvsdbError {
  return new OvsdbError('protocol', `the server sent ${what}: ${excerpt(said)}`);
}
