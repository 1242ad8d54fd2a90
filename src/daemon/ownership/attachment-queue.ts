/**
 * Order among calls: those for one attachment run one at a time, first come first served, and a
 * DEL ends the ADDs that came before it; names of host interfaces belong to the ADD that uses
 * them first.
 */

import { Condition } from '../../common/concurrency/condition.ts';
import type { Deadline } from '../../common/concurrency/deadline.ts';
import { KeyedLock } from '../../common/concurrency/keyed-lock.ts';
import { tryAgain } from '../call/error.ts';
import { type Attachment, attachmentKey } from '../model/attachment.ts';

/** The lock of each attachment: its calls, clean-ups and changes of limits run one after another. */
export class AttachmentQueue {
  readonly #lock = new KeyedLock();
  /** How many calls and clean-ups run or wait in line, where there are any. */
  readonly #calls = new Map<string, number>();
  /** Deadlines of ADDs that run or wait in line. */
  readonly #adds = new Map<string, Set<Deadline>>();
  readonly #addsOver = new Condition();
  /** What `addsFromNow` gave, until disposal. */
  readonly #addsSeen = new Set<Set<string>>();

  /** Why ADDs are no longer taken. */
  #refusal: Error | undefined;
  /** Keys of the running ADDs that make host interfaces, by their names. */
  readonly #names = new Map<string, string>();
  /**
   * Attachments whose failed ADD could not be undone, until all of them is removed. What OVS and the
   * kernel have may look like a finished interface's; a daemon that was started since finds less.
   */
  readonly #leftovers = new Set<string>();

  /** Runs an ADD when every earlier call is done; one that was aborted in line does not run. */
  async runAdd<T>(attachment: Attachment, deadline: Deadline, task: () => Promise<T>): Promise<T> {
    if (this.#refusal !== undefined) throw this.#refusal;
    const key = attachmentKey(attachment);
    const deadlines = this.#adds.get(key) ?? new Set();
    this.#adds.set(key, deadlines.add(deadline));
    for (const seen of this.#addsSeen) seen.add(key);
    try {
      return await this.#runCall(key, () => {
        deadline.signal.throwIfAborted();
        return task();
      });
    } finally {
      deadlines.delete(deadline);
      if (deadlines.size === 0) this.#adds.delete(key);
      if (this.#adds.size === 0) this.#addsOver.check();
    }
  }

  /** Runs a DEL when every earlier call is done, which ADDs now soon are. */
  runDel(attachment: Attachment, task: () => Promise<void>): Promise<void> {
    const key = attachmentKey(attachment);
    const ended = tryAgain(
      'the ADD was ended by a DEL of the same interface',
      'nothing: the runtime gave the sandbox up',
    );
    for (const deadline of this.#adds.get(key) ?? []) deadline.abort(ended);
    return this.#runCall(key, task);
  }

  /** Runs a CHECK when every earlier call is done; one that was aborted in line does not run. */
  runCheck<T>(attachment: Attachment, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    return this.#runCall(attachmentKey(attachment), () => {
      signal.throwIfAborted();
      return task();
    });
  }

  /**
   * Runs a clean-up unless a call for the attachment runs or waits: what that one finds or makes
   * is not the clean-up's business.
   * @returns whether it ran
   */
  async runIfIdle(attachment: Attachment, task: () => Promise<void>): Promise<boolean> {
    const key = attachmentKey(attachment);
    if (this.#calls.has(key)) return false;
    await this.#runCall(key, task);
    return true;
  }

  /**
   * Runs a change to several attachments when every earlier call for each of them is done. Their
   * turns are taken in one order, whoever asks. It is no call: a clean-up waits for it, and then runs.
   */
  runTogether<T>(attachments: readonly Attachment[], task: () => Promise<T>): Promise<T> {
    const keys = [...new Set(attachments.map(attachmentKey))].sort();
    const inTurn = keys.reduceRight<() => Promise<T>>(
      (inner, key) => () => this.#lock.run(key, inner),
      task,
    );
    return inTurn();
  }

  /** True while an ADD of the attachment runs or waits. */
  isAdding(attachment: Attachment): boolean {
    return this.#adds.has(attachmentKey(attachment));
  }

  /**
   * Tells, until disposal, whether an ADD of an attachment has run since this call, which counts those
   * that run or wait now.
   */
  addsFromNow(): Disposable & { readonly has: (attachment: Attachment) => boolean } {
    const seen = new Set(this.#adds.keys());
    this.#addsSeen.add(seen);
    return {
      has: (attachment) => seen.has(attachmentKey(attachment)),
      [Symbol.dispose]: () => this.#addsSeen.delete(seen),
    };
  }

  /** Number of ADDs that run or wait. */
  get addCount(): number {
    let count = 0;
    for (const deadlines of this.#adds.values()) count += deadlines.size;
    return count;
  }

  /**
   * Resolves when no ADD runs or waits.
   * @throws `signal.reason` when aborted before
   */
  async addsOver(signal: AbortSignal): Promise<void> {
    await this.#addsOver.until(() => this.#adds.size === 0 || undefined, signal);
  }

  /** Ends all ADDs, and those to come: the daemon is ending. */
  abortAdds(reason: Error): void {
    this.#refusal = reason;
    for (const deadlines of this.#adds.values()) {
      for (const deadline of deadlines) deadline.abort(reason);
    }
  }

  /** True where no running ADD of another attachment uses this host interface name. */
  mayUse(name: string, attachment: Attachment): boolean {
    return (this.#names.get(name) ?? attachmentKey(attachment)) === attachmentKey(attachment);
  }

  /** Uses a host interface name until disposal. */
  use(name: string, attachment: Attachment): Disposable {
    this.#names.set(name, attachmentKey(attachment));
    return { [Symbol.dispose]: () => this.#names.delete(name) };
  }

  /** Remembers that an ADD could not undo what it made. */
  leftovers(attachment: Attachment): void {
    this.#leftovers.add(attachmentKey(attachment));
  }

  /** Forgets it: all is removed. */
  noLeftovers(attachment: Attachment): void {
    this.#leftovers.delete(attachmentKey(attachment));
  }

  /** True where an ADD of this attachment failed, and could not undo what it had made. */
  hasLeftovers(attachment: Attachment): boolean {
    return this.#leftovers.has(attachmentKey(attachment));
  }

  async #runCall<T>(key: string, task: () => Promise<T>): Promise<T> {
    const count = () => this.#calls.get(key) ?? 0;
    this.#calls.set(key, count() + 1);
    try {
      return await this.#lock.run(key, task);
    } finally {
      if (count() > 1) this.#calls.set(key, count() - 1);
      else this.#calls.delete(key);
    }
  }
}
