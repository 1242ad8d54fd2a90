/**
 * Events on objects. What is said of an object again and again, because the work on it is done again
 * and again, is said once.
 */
import {
  type EventObject,
  type EventRecorder,
  podReference,
} from '../../common/kubernetes/events.ts';
import type { ObjectEvent } from '../model/events.ts';
import type { Meta } from '../model/meta.ts';
import type { Nad } from './nad/object/nad.ts';
import type { Pod } from './pod/object/pod.ts';

export type OwnKind = 'Subnet' | 'Vpc' | 'IPPool' | 'IP' | 'SecurityGroup';

/** A pod, for events about it. */
export function aboutPod({ namespace, name, uid }: Pod): EventObject {
  return podReference({ namespace, name, uid });
}

/** An object of ours, for events about it. */
export function aboutOwn(kind: OwnKind, { name, uid }: Meta): EventObject {
  return { apiVersion: 'kubeovn.io/v1', kind, name, uid };
}

/** A NetworkAttachmentDefinition, for events about it. */
export function aboutNad({ namespace, name, uid }: Nad): EventObject {
  const apiVersion = 'k8s.cni.cncf.io/v1';
  return { apiVersion, kind: 'NetworkAttachmentDefinition', namespace, name, uid };
}

/** Texts that are remembered of one object: its author may change it for ever. */
const TEXTS_MAX = 64;

export class Announcements {
  readonly #events: EventRecorder;
  /** What is wrong with objects and has been said, by UID. */
  readonly #troubles = new Map<string, Set<string>>();
  /** What is to be known of objects and has been said, by UID. */
  readonly #notices = new Map<string, Set<string>>();

  constructor(events: EventRecorder) {
    this.#events = events;
  }

  /** Resolves when all that was said so far is written or given up. Never rejects. */
  get idle(): Promise<void> {
    return this.#events.idle;
  }

  /** Something was done. */
  done(about: EventObject, event: ObjectEvent): void {
    this.#events.record(about, event);
  }

  /** Something is wrong; said again only after all was well. */
  trouble(about: EventObject, event: ObjectEvent): void {
    this.#once(this.#troubles, about, event);
  }

  /** Something is to be known although all is well; said once. */
  notice(about: EventObject, event: ObjectEvent): void {
    this.#once(this.#notices, about, event);
  }

  /** Nothing is wrong any more. */
  isWell({ uid }: EventObject): void {
    this.#troubles.delete(uid);
  }

  /** The object has gone. */
  forget(uid: string): void {
    this.#troubles.delete(uid);
    this.#notices.delete(uid);
  }

  #once(said: Map<string, Set<string>>, about: EventObject, event: ObjectEvent): void {
    const texts = said.get(about.uid) ?? new Set();
    const text = `${event.reason} ${event.message}`;
    if (texts.has(text)) return;
    const [oldest] = texts;
    if (texts.size >= TEXTS_MAX && oldest !== undefined) texts.delete(oldest);
    said.set(about.uid, texts.add(text));
    this.done(about, event);
  }
}
