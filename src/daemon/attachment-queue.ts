/**
 * Order among the calls for one attachment: one at a time, first come first served; and a DEL
 * ends the ADD that it finds running.
 */
import type { Attachment } from './attachment.ts';
import { KeyedLock } from './process/keyed-lock.ts';
import type { Deadline } from './wait.ts';

export class AttachmentQueue {
  readonly #lock = new KeyedLock();
  readonly #running = new Map<string, Deadline>();

  /**
   * Runs `task` when every earlier call for this attachment is done. A call that is aborted
   * while it waits in line does not run.
   */
  run<T>(attachment: Attachment, deadline: Deadline, task: () => Promise<T>): Promise<T> {
    const key = keyOf(attachment);
    return this.#lock.run(key, async () => {
      deadline.signal.throwIfAborted();
      this.#running.set(key, deadline);
      try {
        return await task();
      } finally {
        this.#running.delete(key);
      }
    });
  }

  /** Aborts the call that is running for this attachment, if there is one. */
  abortRunning(attachment: Attachment, reason: Error): void {
    this.#running.get(keyOf(attachment))?.abort(reason);
  }
}

function keyOf(attachment: Attachment): string {
  return `${attachment.containerId}/${attachment.ifName}`;
}
