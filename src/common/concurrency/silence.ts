/**
 * A limit for how long something may be silent that goes on for as long as it speaks.
 */

/** Aborts its signal when nothing was heard for too long, or when another signal is aborted. */
export class Silence implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal;
  readonly #timer: NodeJS.Timeout;
  #isTooLong = false;

  /** @param ms how long it may be silent, from now on and after each `heard` */
  constructor(ms: number, outer: AbortSignal) {
    this.#outer = outer;
    this.#timer = setTimeout(() => {
      this.#isTooLong = true;
      this.#controller.abort(new Error(`nothing was heard within ${ms} ms`));
    }, ms);
    if (outer.aborted) this.#follow();
    outer.addEventListener('abort', this.#follow, { once: true });
  }

  /** Aborted when nothing was heard for too long, or with the outer signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** True where the signal was aborted for the silence. */
  get isTooLong(): boolean {
    return this.#isTooLong;
  }

  /** Something was heard: the time begins anew. */
  heard(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer.removeEventListener('abort', this.#follow);
  }

  readonly #follow = () => this.#controller.abort(this.#outer.reason);
}
