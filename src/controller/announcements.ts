/**
 * Events on objects. What is said of a pod again and again, because the work on it is done again
 * and again, is said once.
 */
import type { EventRecorder } from '../common/kubernetes/events.ts';
import type { ObjectEvent } from './objects/events.ts';
import type { Meta } from './objects/meta.ts';
import type { Pod } from './objects/pod.ts';

export type OwnKind = 'Subnet' | 'Vpc' | 'IPPool' | 'IP' | 'SecurityGroup';

export function announce(
  events: EventRecorder,
  kind: OwnKind,
  meta: Meta,
  event: ObjectEvent,
): void {
  const { name, uid } = meta;
  events.record({ apiVersion: 'kubeovn.io/v1', kind, name, uid }, event);
}

export class PodAnnouncements {
  readonly #events: EventRecorder;
  /** What is wrong with pods and has been said, by UID. */
  readonly #troubles = new Map<string, Set<string>>();
  /** What is to be known of pods and has been said, by UID. */
  readonly #notices = new Map<string, Set<string>>();

  constructor(events: EventRecorder) {
    this.#events = events;
  }

  /** Something was done. */
  done(pod: Pod, event: ObjectEvent): void {
    const { namespace, name, uid } = pod;
    this.#events.record({ apiVersion: 'v1', kind: 'Pod', namespace, name, uid }, event);
  }

  /** Something is wrong; said again only after all was well. */
  trouble(pod: Pod, event: ObjectEvent): void {
    this.#once(this.#troubles, pod, event);
  }

  /** Something is to be known although all is well; said once. */
  notice(pod: Pod, event: ObjectEvent): void {
    this.#once(this.#notices, pod, event);
  }

  /** Nothing is wrong any more. */
  isWell({ uid }: Pod): void {
    this.#troubles.delete(uid);
  }

  /** The pod has gone. */
  forget({ uid }: Pod): void {
    this.#troubles.delete(uid);
    this.#notices.delete(uid);
  }

  #once(said: Map<string, Set<string>>, pod: Pod, event: ObjectEvent): void {
    const texts = said.get(pod.uid) ?? new Set();
    const text = `${event.reason} ${event.message}`;
    if (texts.has(text)) return;
    said.set(pod.uid, texts.add(text));
    this.done(pod, event);
  }
}
