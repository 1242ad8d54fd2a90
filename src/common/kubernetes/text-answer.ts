/**
 * Requests whose answers are short, and read as a whole: without a stream for each, which costs more
 * time of the processor than the request itself.
 *
 * One with a body is not aborted once it has begun. undici 8 ends the HTTP/2 stream of an aborted
 * request by `close()` without a code and `destroy()`. Node 24 then sends no RST_STREAM where the body
 * has not left the process yet, and instead empty DATA frames of that stream, in a loop that never ends
 * and takes all memory. So whoever waits for such a request goes on at once when it is given up, and
 * undici finishes it on its own: what was sent may be done anyway. One that has not begun is never sent.
 */
import { STATUS_CODES } from 'node:http';
import type { Dispatcher } from 'undici';
import { OBJECT_BYTES_MAX } from './oversized.ts';

/** The head of an answer, and the promise of the rest. */
export interface TextAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Rejects where the answer breaks, is longer than an object can be, or is given up. */
  readonly text: Promise<string>;
}

/**
 * Sends a request, and resolves with the head of its answer.
 * @throws what undici throws; `signal.reason` where it is aborted
 */
export function askForText(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal: AbortSignal,
): Promise<TextAnswer> {
  const handler = new TextHandler(signal, typeof options.body === 'object');
  dispatcher.dispatch(options, handler);
  return handler.head;
}

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

class TextHandler implements Handler {
  readonly #signal: AbortSignal;
  readonly #hasBody: boolean;
  readonly #head = Promise.withResolvers<TextAnswer>();
  readonly #text = Promise.withResolvers<string>();
  readonly #parts: Buffer[] = [];
  #length = 0;
  #hasHead = false;
  /** Of the request while it can be aborted. */
  #controller: Controller | undefined;

  constructor(signal: AbortSignal, hasBody: boolean) {
    this.#signal = signal;
    this.#hasBody = hasBody;
    // Whoever has no head does not learn of the text.
    this.#text.promise.catch(() => undefined);
    if (signal.aborted) this.#abort();
    else signal.addEventListener('abort', this.#abort, { once: true });
  }

  get head(): Promise<TextAnswer> {
    return this.#head.promise;
  }

  /** Called again where undici sends the request again; one that was given up ends here. */
  onRequestStart(controller: Controller): void {
    if (this.#signal.aborted) controller.abort(this.#signal.reason);
    else if (!this.#hasBody) this.#controller = controller;
  }

  onResponseStart(
    controller: Controller,
    status: number,
    _headers: unknown,
    statusMessage?: string,
  ): void {
    if (status < 200) return;
    // An answer can be given up: the server had the body, or does not want it.
    this.#controller = controller;
    this.#hasHead = true;
    // HTTP/2 has no words for a status.
    const statusText = statusMessage || (STATUS_CODES[status] ?? '');
    this.#head.resolve({ status, statusText, text: this.#text.promise });
  }

  onResponseData(controller: Controller, part: Buffer): void {
    if (!this.#hasHead || this.#signal.aborted) return;
    this.#length += part.length;
    if (this.#length <= OBJECT_BYTES_MAX) {
      this.#parts.push(part);
      return;
    }
    const error = new Error(`the answer has more than ${OBJECT_BYTES_MAX} bytes`);
    this.#fail(error);
    controller.abort(error);
  }

  onResponseEnd(): void {
    this.#over();
    const [first, ...others] = this.#parts;
    const whole = first === undefined || others.length > 0 ? Buffer.concat(this.#parts) : first;
    this.#text.resolve(whole.toString('utf8'));
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#fail(error);
  }

  /** Whoever waits goes on at once; undici does not notice before it has a connection. */
  readonly #abort = (): void => {
    const { reason } = this.#signal;
    const controller = this.#controller;
    this.#fail(reason);
    controller?.abort(reason);
  };

  #fail(error: unknown): void {
    this.#over();
    this.#head.reject(error);
    this.#text.reject(error);
  }

  #over(): void {
    this.#controller = undefined;
    this.#signal.removeEventListener('abort', this.#abort);
  }
}
