/**
 * What people hear of a pod's interfaces: the events of Kube-OVN's daemon, with its reasons and the form
 * of its messages, on the pod (docs/events.md). Only on a pod that is there, and that the call is for:
 * an event on any other would mislead people.
 *
 * What the runtime alone knows, container ids and paths, is left out: it would make of one failure that
 * is repeated with new sandboxes as many events.
 */
import { cutText, MESSAGE_BYTES_MAX } from '../../common/kubernetes/event-object.ts';
import {
  type EventRecorder,
  type ObjectEvent,
  podReference,
} from '../../common/kubernetes/events.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { messageOf } from '../../common/text.ts';
import type { CniRequest } from '../../wire/messages.ts';
import { CniError, NotPrimary, OwnCode } from '../call/error.ts';
import { type CallStages, type Stage, stageText } from '../call/stage.ts';
import { containerAlias, hostInterfaceNames } from '../model/interface-names.ts';
import { isSamePod, type Pod, podKey } from '../model/pod.ts';
import type { AddResult } from '../verbs/add.ts';
import type { Removed } from '../verbs/del.ts';

/** Reasons, as Kube-OVN's. */
export const REASONS = {
  configured: 'PodNetworkConfigured',
  configureFailed: 'PodNetworkConfigureFailed',
  removed: 'PodNetworkRemoved',
  removeFailed: 'PodNetworkRemoveFailed',
} as const;

/** Failures about which no event is recorded: the pod's end, or that of one of its sandboxes. */
const WITHOUT_EVENT: readonly number[] = [OwnCode.podGone, OwnCode.superseded];

/** What of a call names an interface and whose it is; as it was sent, and may be wrong. */
type CallOf = Pick<
  CniRequest,
  | 'pod_namespace'
  | 'pod_name'
  | 'pod_uid'
  | 'provider'
  | 'if_name'
  | 'container_id'
  | 'net_ns'
  | 'deviceID'
>;

/** What it uses. */
export interface PodEventParts {
  /** Records events on pods. */
  readonly events: Pick<EventRecorder, 'record'>;
  /** Pods of this node, by `namespace/name`. */
  readonly pods: Pick<WatchCache<Pod>, 'get'>;
  readonly nodeName: string;
}

/** Has an event written, if there is one to write; to be called when the runtime has its answer. */
export type PendingEvent = () => void;

const NO_EVENT: PendingEvent = () => {};

/** Each method looks at once whether the pod is there: when the runtime has its answer, it may be gone. */
export class PodEvents {
  readonly #parts: PodEventParts;

  constructor(parts: PodEventParts) {
    this.#parts = parts;
  }

  /** An ADD is done. */
  configured(call: CallOf, { pod, subnet, response }: AddResult): PendingEvent {
    const ip = (response.ips ?? []).map((address) => address.ip).join(',');
    const said = `subnet=${subnet} ip=${ip} mac=${response.mac_address}`;
    return this.#pending(pod, call, { type: 'Normal', reason: REASONS.configured, message: said });
  }

  /** An ADD has failed. */
  configureFailed(call: CallOf, error: unknown, stages: CallStages): PendingEvent {
    const pod = this.#pod(call, call.pod_uid);
    if (pod === undefined || pod.deleting || hasNoEvent(error)) return NO_EVENT;
    const message = failureText(stages.ofFailure(error) ?? 'configure-nic', error);
    return this.#pending(pod, call, {
      type: 'Warning',
      reason: REASONS.configureFailed,
      message,
    });
  }

  /** A DEL is done; nothing is said of one that found nothing. */
  removed(call: CallOf, { hadPort, podUid }: Removed): PendingEvent {
    const pod = hadPort ? this.#podOfPort(call, podUid) : undefined;
    if (pod === undefined) return NO_EVENT;
    return this.#pending(pod, call, { type: 'Normal', reason: REASONS.removed, message: '' });
  }

  /** A DEL has failed. */
  removeFailed(call: CallOf, error: unknown, stages: CallStages): PendingEvent {
    const pod = this.#podOfPort(call, call.pod_uid);
    if (pod === undefined) return NO_EVENT;
    const message = failureText(stages.ofFailure(error) ?? 'delete-nic', error);
    return this.#pending(pod, call, { type: 'Warning', reason: REASONS.removeFailed, message });
  }

  /**
   * The pod of a call, if it is known and has that UID. One of the same name may have come in its place:
   * without a UID an ADD is the one that is there.
   */
  #pod({ pod_namespace, pod_name }: CallOf, uid: string | undefined): Pod | undefined {
    const pod = this.#parts.pods.get(podKey(pod_namespace, pod_name));
    return pod !== undefined && isSamePod(pod, uid || undefined) ? pod : undefined;
  }

  /** A DEL may be one for a pod that has been replaced: only a UID says that it is not. */
  #podOfPort(call: CallOf, podUid: string | undefined): Pod | undefined {
    const uid = call.pod_uid || podUid;
    return uid ? this.#pod(call, uid) : undefined;
  }

  #pending(pod: Pod, call: CallOf, { message, ...event }: ObjectEvent): PendingEvent {
    const { events } = this.#parts;
    return () => {
      const text = this.#text(call, message);
      events.record(podReference(pod), { ...event, message: text });
    };
  }

  #text(call: CallOf, message: string): string {
    const { nodeName } = this.#parts;
    const [provider, ifName] = [call.provider, call.if_name || 'eth0'].map(nameOf);
    const tail = `provider=${provider} interface=${ifName} node=${nodeName}`;
    // The tail is short and is what tells interfaces apart: a long text gives way to it.
    const room = MESSAGE_BYTES_MAX - Buffer.byteLength(tail) - 1;
    const head = cutText(redacted(message, call), Math.max(0, room));
    return head === '' ? tail : `${head} ${tail}`;
  }
}

/** A name as it was sent, if it can be one: the error says what is wrong with another one. */
function nameOf(text: string): string {
  return /^[\w.@+~-]{1,253}$/.test(text) ? text : '<invalid>';
}

/** Of an error's text and its remedy, so that neither leaves nothing of the other; bytes. */
const ERROR_BYTES_MAX = 500;
const REMEDY_BYTES_MAX = 300;

function failureText(stage: Stage, error: unknown): string {
  const said = cutText(messageOf(error), ERROR_BYTES_MAX);
  const remedy = error instanceof CniError ? cutText(error.details, REMEDY_BYTES_MAX) : '';
  const toDo = remedy === '' ? '' : ` remedy=${remedy}`;
  return `${stageText(stage)} error=${said}${toDo}`;
}

function hasNoEvent(error: unknown): boolean {
  if (error instanceof NotPrimary) return true;
  return error instanceof CniError && WITHOUT_EVENT.includes(error.code);
}

const REDACTED = '<redacted>';
/** Other sandboxes' container ids, and paths of network namespaces. */
const RUNTIME_DETAILS =
  /(?<!\w)(?:[0-9a-f]{64}|(?:\/var)?\/run\/netns\/[\w.:@+-]*\w|\/proc\/\d+\/ns\/net)(?!\w)/g;

/** The same text without what only the node's runtime knows. */
export function redacted(text: string, call: CallOf): string {
  const { container_id: containerId, net_ns: netns, deviceID = '' } = call;
  const hosts = hostInterfaceNames(containerId, call.if_name || 'eth0');
  const names = [
    ...[netns, deviceID, containerId],
    ...hosts.flatMap((name) => [name, containerAlias(name)]),
    containerId.slice(0, 12),
  ];
  return names
    .filter((name) => name !== '')
    .reduce(withoutWord, text)
    .replace(RUNTIME_DETAILS, REDACTED);
}

/**
 * Container ids may be one letter: within other words they are left. No regular expression is made of a
 * name: callers choose them, and one of some ten thousand characters is none that can be compiled.
 */
function withoutWord(text: string, word: string): string {
  const [first = '', ...others] = text.split(word);
  let left = first;
  let before = first.at(-1) ?? '';
  for (const [index, part] of others.entries()) {
    const isLast = index === others.length - 1;
    const after = part.at(0) ?? (isLast ? '' : (word.at(0) ?? ''));
    left += `${isInWord(before) || isInWord(after) ? word : REDACTED}${part}`;
    before = part.at(-1) ?? word.at(-1) ?? '';
  }
  return left;
}

function isInWord(character: string): boolean {
  return /\w/.test(character);
}
