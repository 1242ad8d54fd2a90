/**
 * The Event object (core/v1) that says something about another object to the people who look at
 * it.
 */
import { randomUUID } from 'node:crypto';

/** The object that an event is about. */
export interface EventObject {
  readonly apiVersion: string;
  readonly kind: string;
  /** Left out where objects of this kind are in no namespace. */
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
}

/** What an event says. */
export interface ObjectEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase. */
  readonly reason: string;
  /** For people, of any length: the Event object has what `cutMessage` leaves of it. */
  readonly message: string;
}

/** Whose events they are. */
export interface EventReporter {
  /** What `kubectl describe` shows as the origin of an event. */
  readonly component: string;
  /** Name of the node, where the reporter is there for one node. */
  readonly host?: string;
  /** The program. */
  readonly reportingComponent: string;
  /** Which of the processes that run this program. */
  readonly reportingInstance: string;
}

/** Namespace of Event objects about what is in none: the API server takes no other there. */
const CLUSTER_NAMESPACE = 'default';
/** Longest name of an object: that of an RFC 1123 subdomain. */
const NAME_LENGTH_MAX = 253;
const SUFFIX_CHARS = 16;
/** What the API allows for the same text of its younger kind of event (events.k8s.io/v1). */
export const MESSAGE_BYTES_MAX = 1024;

/** A pod, as what an event is about. */
export function podReference({
  namespace,
  name,
  uid,
}: {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}): EventObject {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid };
}

/**
 * An event that has happened once, as it is sent to the API server.
 * @param message see `cutMessage`
 */
export function newEventObject(
  { apiVersion, kind, namespace, name, uid }: EventObject,
  { type, reason, message }: ObjectEvent,
  { reporter, at }: { reporter: EventReporter; at: Date },
) {
  const { component, host, reportingComponent, reportingInstance } = reporter;
  const time = timestamp(at);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: uniqueName(name), namespace: namespace ?? CLUSTER_NAMESPACE },
    // What is undefined here is left out by JSON.
    involvedObject: { apiVersion, kind, namespace, name, uid },
    type,
    reason,
    message,
    source: { component, host },
    reportingComponent,
    reportingInstance,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

/** What a message of any length becomes: at most 1024 bytes of UTF-8, in whole characters. */
export function cutMessage(message: string): string {
  return cutText(message, MESSAGE_BYTES_MAX);
}

/** The beginning of a text, in whole characters: at most so many bytes of UTF-8. */
export function cutText(text: string, bytes: number): string {
  // What is encoded into too little space ends with a whole character.
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}

/** Time as the API writes it: RFC 3339 with whole seconds, UTC. */
export function timestamp(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `<name>.<hex>`, an RFC 1123 subdomain: a name that must be cut may not end in a sign. */
function uniqueName(objectName: string): string {
  // Node.js draws the bytes of many UUIDs at once; those of a suffix alone would be a system call.
  const suffix = `.${randomUUID().replaceAll('-', '').slice(0, SUFFIX_CHARS)}`;
  const cut = objectName.slice(0, NAME_LENGTH_MAX - suffix.length).replace(/[.-]+$/, '');
  return cut + suffix;
}
