/**
 * The Event object (core/v1) that says something about a pod to the people who look at it.
 */
import { randomBytes } from 'node:crypto';

/** The pod that an event is about. */
export interface EventPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface PodEvent {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
}

/** Says whose the event is. The node's name is the component, as it is of Kube-OVN's Go daemon. */
const REPORTER = 'kube-ovn-cni';
/** Longest name of an object: that of an RFC 1123 subdomain. */
const NAME_LENGTH_MAX = 253;
const SUFFIX_BYTES = 8;
/** What the API allows for the same text of its younger kind of event (events.k8s.io/v1). */
const MESSAGE_BYTES_MAX = 1024;

/**
 * An event that has happened once, as it is sent to the API server.
 * @param message see `cutMessage`
 */
export function newEventObject(
  { namespace, name, uid }: EventPod,
  { type, reason, message }: PodEvent,
  { nodeName, at }: { nodeName: string; at: Date },
) {
  const time = timestamp(at);
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: uniqueName(name), namespace },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', namespace, name, uid },
    type,
    reason,
    message,
    source: { component: nodeName, host: nodeName },
    reportingComponent: REPORTER,
    reportingInstance: nodeName,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}

/** What a message of any length becomes: at most 1024 bytes of UTF-8, in whole characters. */
export function cutMessage(message: string): string {
  // What is encoded into too little space ends with a whole character.
  const { read } = new TextEncoder().encodeInto(message, new Uint8Array(MESSAGE_BYTES_MAX));
  return message.slice(0, read);
}

/** Time as the API writes it: RFC 3339 with whole seconds, UTC. */
export function timestamp(at: Date): string {
  return at.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `<pod>.<hex>`, an RFC 1123 subdomain: a pod's name that must be cut may not end in a sign. */
function uniqueName(podName: string): string {
  const suffix = `.${randomBytes(SUFFIX_BYTES).toString('hex')}`;
  const cut = podName.slice(0, NAME_LENGTH_MAX - suffix.length).replace(/[.-]+$/, '');
  return cut + suffix;
}
