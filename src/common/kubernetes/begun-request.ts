/**
 * Requests with a body, which are not aborted once they have begun.
 *
 * undici 8 ends the HTTP/2 stream of an aborted request by `close()` without a code and `destroy()`.
 * Node 24 then sends no RST_STREAM where the body has not left the process yet, and instead empty
 * DATA frames of that stream, in a loop that never ends and takes all memory. So whoever waits for such
 * a request goes on at once when it is given up (exchange.ts), and undici finishes it on its own: what
 * was sent may be done anyway. One that has not begun is never sent.
 */
import type { Dispatcher } from 'undici';

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;

/** The same connections, for requests with a body. */
export function finishingBegun(dispatcher: Dispatcher): Dispatcher {
  return dispatcher.compose((dispatch) => (options, handler) => {
    return dispatch(options, new BegunRequest(handler));
  });
}

class BegunRequest implements Handler {
  readonly #handler: Handler;

  constructor(handler: Handler) {
    this.#handler = handler;
  }

  /** Called again where undici sends the request again; one that was given up ends here. */
  onRequestStart(controller: Controller, context: unknown): void {
    const begun = new BegunController(controller);
    this.#handler.onRequestStart?.(begun, context);
    begun.hasBegun = true;
  }

  /** An answer can be given up: the server had the body, or does not want it. */
  onResponseStart(...args: Parameters<NonNullable<Handler['onResponseStart']>>): void {
    this.#handler.onResponseStart?.(...args);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(...args: Parameters<NonNullable<Handler['onResponseEnd']>>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(controller: Controller, error: Error): void {
    this.#handler.onResponseError?.(controller, error);
  }
}

/** Aborts a request that has not begun, and no other. */
class BegunController implements Controller {
  readonly #controller: Controller;
  hasBegun = false;

  constructor(controller: Controller) {
    this.#controller = controller;
  }

  get aborted(): boolean {
    return this.#controller.aborted;
  }

  get paused(): boolean {
    return this.#controller.paused;
  }

  get reason(): Error | null {
    return this.#controller.reason;
  }

  abort(reason: Error): void {
    if (!this.hasBegun) this.#controller.abort(reason);
  }

  pause(): void {
    this.#controller.pause();
  }

  resume(): void {
    this.#controller.resume();
  }
}
