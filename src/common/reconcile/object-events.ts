/**
 * Events on objects by work that is done again and again: what is said of an object is said once.
 */
import type { EventObject, ObjectEvent } from '../kubernetes/event-object.ts';
import type { EventRecorder } from '../kubernetes/events.ts';

/** Texts that are remembered of one object: its author may change it for ever. */
const TEXTS_MAX = 64;

/**
 * Records each warning once until the object is found right again, and each other text once for as long as the
 * object is there. Of one object, 64 texts of each kind are remembered.
 */
export class ObjectEvents {
  readonly #recorder: Pick<EventRecorder, 'record' | 'idle'>;
  /** Warnings that were recorded since the object was last found right, by UID. */
  readonly #warnings = new Map<string, Set<string>>();
  /** Other events that are recorded once, by UID. */
  readonly #infos = new Map<string, Set<string>>();

  constructor(recorder: Pick<EventRecorder, 'record' | 'idle'>) {
    this.#recorder = recorder;
  }

  /** Resolves when all events so far are written or given up. Never rejects. */
  get idle(): Promise<void> {
    return this.#recorder.idle;
  }

  /** Something was done. */
  record(about: EventObject, event: ObjectEvent): void {
    this.#recorder.record(about, event);
  }

  /** Something is wrong; recorded again only after `clear`. */
  warnOnce(about: EventObject, event: ObjectEvent): void {
    this.#once(this.#warnings, about, event);
  }

  /** Something is to be known although nothing is wrong; recorded once. */
  infoOnce(about: EventObject, event: ObjectEvent): void {
    this.#once(this.#infos, about, event);
  }

  /** Nothing is wrong any more. */
  clear({ uid }: EventObject): void {
    this.#warnings.delete(uid);
  }

  /** The object has gone. */
  forget(uid: string): void {
    this.#warnings.delete(uid);
    this.#infos.delete(uid);
  }

  #once(recorded: Map<string, Set<string>>, about: EventObject, event: ObjectEvent): void {
    const texts = recorded.get(about.uid) ?? new Set();
    const text = `${event.reason} ${event.message}`;
    if (texts.has(text)) return;
    const [oldest] = texts;
    if (texts.size >= TEXTS_MAX && oldest !== undefined) texts.delete(oldest);
    recorded.set(about.uid, texts.add(text));
    this.record(about, event);
  }
}
