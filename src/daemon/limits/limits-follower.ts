/**
 * Keeps limits and mirroring in OVS as the annotations of running pods say: changes them when annotations
 * change, and for all pods when the daemon starts.
 *
 * What a port was last given is remembered, so that a change of a pod that has nothing to do
 * with limits costs nothing. Where there is something to do, each pod's difference is one transaction (two
 * where netem becomes other netem: see resetCommands), while holding the locks of its attachments
 * (ownership/port-locks.ts). Of changes that come during it only the last state counts.
 */
import pLimit from 'p-limit';
import { abortable } from '../../common/concurrency/deadline.ts';
import type { EventRecorder } from '../../common/kubernetes/events.ts';
import { podReference } from '../../common/kubernetes/events.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import type { Logger } from '../../common/log.ts';
import { outageOf } from '../../common/ovsdb/error.ts';
import { NotDone } from '../../common/reconcile/not-done.ts';
import { ObjectEvents } from '../../common/reconcile/object-events.ts';
import type { Queues } from '../../common/reconcile/queues.ts';
import type { WorkQueue } from '../../common/reconcile/work-queue.ts';
import { messageOf } from '../../common/text.ts';
import { CniError } from '../call/error.ts';
import { isAllocated, keyPrefix } from '../model/annotation-keys.ts';
import { type AskedLimits, limitWarnings, readLimits } from '../model/limits.ts';
import { type Pod, podKey } from '../model/pod.ts';
import type { Mirror } from '../ovs/mirror.ts';
import { type Interfaces, limitMarks, toInterfaceRow } from '../ovs/port.ts';
import type { FreshLook } from '../ovs/session.ts';
import type { OvsState } from '../ovs/state.ts';
import {
  changeCommands,
  type FoundControl,
  resetCommands,
  type TrafficControl,
  toTrafficControl,
} from '../ovs/traffic-control.ts';
import { controlOf } from '../ovs/traffic-control-rows.ts';
import { failedTo, type Vsctl } from '../ovs/vsctl.ts';
import type { AttachmentQueue } from '../ownership/attachment-queue.ts';
import type { PortLocks } from '../ownership/port-locks.ts';
import { type FollowedPort, portOfPod, workloadsOf } from './followed-port.ts';
import { controlText } from './text.ts';

/** Said of each outage of OVS's database. */
const AWAY = "OVS's database does not answer";

/** Reasons of events, as Kube-OVN's. */
export const LIMITS_REASONS = { updated: 'PodQoSUpdated', failed: 'PodQoSUpdateFailed' } as const;
const { updated: UPDATED, failed: FAILED } = LIMITS_REASONS;

/** Between attempts that fail although OVS's database is there. */
const PAUSES = { firstMs: 500, maxMs: 30_000 };
/** Pods that are worked on at a time: many may wait for the mirror. */
const PODS_AT_ONCE = 512;
/** What work waits for while there is no connection to OVS's database. */
const DATABASE = "OVS's database";

/** What the follower reads, writes and locks. */
export interface LimitsParts {
  /** Pods of this node, by `namespace/name`. */
  readonly pods: Pick<WatchCache<Pod>, 'get' | 'values' | 'synced' | 'onChange'>;
  readonly interfaces: Pick<Interfaces, 'rows' | 'named' | 'until' | 'synced' | 'isLive'>;
  readonly ovs: FreshLook;
  readonly vsctl: Vsctl;
  readonly queue: Pick<AttachmentQueue, 'runTogether' | 'isAdding'>;
  readonly locks: Pick<PortLocks, 'ofHostInterfaces'>;
  readonly mirror: Pick<Mirror, 'all' | 'settled' | 'ask'>;
  /** Records events on pods. */
  readonly events: Pick<EventRecorder, 'record' | 'idle'>;
  /** Where its work queue is made. */
  readonly queues: Pick<Queues, 'create'>;
  readonly log: Logger;
}

/** A port whose annotations say something else than it was last given. */
interface Due {
  /** UUID of the Interface row. */
  readonly uuid: string;
  readonly port: FollowedPort;
  readonly asked: AskedLimits;
  readonly signature: string;
}

/** Keeps the limits and the mirroring of ports at what the annotations of running pods say. */
export class LimitsFollower {
  readonly #parts: LimitsParts;
  readonly #stopped = new AbortController();
  /** Of pods, by their keys. */
  readonly #work: WorkQueue;
  readonly #events: ObjectEvents;
  /** What ports were last given, by the UUID of the Interface row. */
  readonly #known = new Map<string, string>();
  /** Changes of the mirror, one after another: see retranslation.ts. */
  readonly #mirrorTurns = pLimit(1);

  constructor(parts: LimitsParts) {
    this.#parts = parts;
    this.#events = new ObjectEvents(parts.events);
    this.#work = parts.queues.create({
      name: 'limits',
      what: 'the limits of a pod',
      concurrency: PODS_AT_ONCE,
      pauses: PAUSES,
      reconcile: (key) => this.#reconcile(key),
    });
  }

  /** Begins to follow pods: all are looked at when pods and ports are known, and again when the mirror is there. */
  start(): void {
    const { pods, interfaces, mirror } = this.#parts;
    const { signal } = this.#stopped;
    const stopListening = pods.onChange((change) => {
      if (change.type === 'deleted') this.#events.forget(change.value.uid);
      if (change.type === 'deleted') return;
      if (change.previous && hasSameAnnotations(change.previous, change.value)) return;
      this.#work.add(change.key);
    });
    signal.addEventListener('abort', stopListening);
    const all = Promise.all([pods.synced, interfaces.synced(signal)]);
    const lookAtAll = () => {
      for (const pod of pods.values()) this.follow(pod);
    };
    all.then(lookAtAll, () => {});
    // Ports that are to be mirrored may have waited for it.
    Promise.all([all, mirror.settled]).then(lookAtAll, () => {});
  }

  /** Begins nothing more; a transaction that has begun is finished. */
  stop(): void {
    this.#stopped.abort();
    void this.#work.stop();
  }

  /** Called after an ADD: its port was made for what was asked for then. */
  made(hostInterface: string, pod: Pod, asked: AskedLimits): void {
    const { interfaces, mirror } = this.#parts;
    const row = interfaces.named(hostInterface);
    const port = row && portOfPod(toInterfaceRow(row), pod);
    if (row === undefined || port === undefined) return;
    // Its plan may be older than the node's Mirror row: only OVS knows whether it is mirrored.
    const isKnown = !asked.isMirrored || mirror.all;
    if (isKnown) {
      this.#warn(pod, port, asked);
      this.#known.set(row.uuid, signatureOf(asked));
      this.#forget();
    }
    this.follow(pod);
  }

  /** Looks at a pod: what its annotations ask for may not be what its ports have. */
  follow(pod: { namespace: string; name: string }): void {
    this.#work.add(podKey(pod.namespace, pod.name));
  }

  /** Resolves when what a pod's annotations say now is done, or could not be. */
  async settled(pod: { namespace: string; name: string }, signal: AbortSignal): Promise<void> {
    await abortable(this.#work.settled(podKey(pod.namespace, pod.name)), signal);
  }

  /** @throws NotDone when OVS cannot be read or refuses */
  async #reconcile(key: string): Promise<void> {
    const pod = this.#parts.pods.get(key);
    try {
      await this.#enforce(key);
      if (pod !== undefined) this.#events.clear(podReference(pod));
    } catch (error) {
      if (pod !== undefined) {
        // One text for an outage, of which the reasons change meanwhile: one event.
        const why = outageOf(error) === undefined ? messageOf(error) : AWAY;
        const message = `cannot set its limits to what is annotated: ${why}; it is tried again`;
        this.#events.warnOnce(podReference(pod), { type: 'Warning', reason: FAILED, message });
      }
      throw error instanceof CniError ? this.#notDone(error) : error;
    }
  }

  /** Where OVS's database is away, nothing is tried until it is back. */
  #notDone(error: CniError): NotDone {
    const { interfaces } = this.#parts;
    if (interfaces.isLive) return new NotDone(messageOf(error));
    interfaces
      .until(() => interfaces.isLive || undefined, this.#stopped.signal)
      .then(
        () => this.#work.wake(DATABASE),
        // It is only ended by a stop.
        () => undefined,
      );
    return new NotDone(messageOf(error), { waitsFor: [DATABASE] });
  }

  /** @throws CniError 11 when OVS cannot be read or refuses */
  async #enforce(key: string): Promise<void> {
    const { pods, mirror } = this.#parts;
    const pod = pods.get(key);
    const due = pod === undefined ? [] : this.#dueOf(pod);
    if (pod === undefined || due.length === 0) return;
    if (due.some(({ asked }) => asked.isMirrored)) mirror.ask();
    // Read in their turn: what a DEL before it removed is not there any more.
    const changesMirror = await this.#locked(due, async () => {
      const state = await this.#look();
      if (this.#changesMirror(due, state)) return true;
      await this.#change(pod, due, state);
      return false;
    });
    if (changesMirror) {
      // Each of these transactions must change the mirror's port: it is read when the one before is
      // done. A DEL waits for one of them, and not for the whole line.
      await this.#mirrorTurns(() =>
        this.#locked(due, async () => this.#change(pod, due, await this.#look())),
      );
    }
    for (const { port, asked } of due) this.#warn(pod, port, asked);
  }

  /** Runs `task` while holding the ports' locks; of a port of Kube-OVN's Go daemon that is the one of its name. */
  #locked<T>(due: readonly Due[], task: () => Promise<T>): Promise<T> {
    const { queue, locks } = this.#parts;
    const ports = due.map(({ port }) => port);
    const ours = ports.filter(({ attachment }) => attachment.containerId !== '');
    const theirs = ports.filter((port) => !ours.includes(port)).map(({ name }) => name);
    return queue.runTogether(
      ours.map(({ attachment }) => attachment),
      () => locks.ofHostInterfaces(theirs, task),
    );
  }

  #dueOf(pod: Pod): Due[] {
    const { interfaces, queue } = this.#parts;
    const workloads = workloadsOf(pod);
    const due: Due[] = [];
    for (const [uuid, row] of interfaces.rows) {
      const port = portOfPod(toInterfaceRow(row), pod, workloads);
      if (port === undefined) continue;
      // Of a NIC that the annotations do not know they say no limits.
      const { provider, ifName } = port;
      const prefix = keyPrefix(pod.annotations, provider, ifName);
      if (!isAllocated(pod.annotations, prefix)) continue;
      // Its ADD says itself what it made, when it is done.
      if (queue.isAdding(port.attachment)) continue;
      const asked = readLimits(pod.annotations, port, port.bandwidth);
      const signature = signatureOf(asked);
      if (this.#known.get(uuid) !== signature) due.push({ uuid, port, asked, signature });
    }
    return due;
  }

  #changesMirror(due: readonly Due[], state: OvsState): boolean {
    if (this.#parts.mirror.all) return false;
    return due.some(({ uuid, asked }) => {
      return controlOfRow(state, uuid)?.isMirrored !== asked.isMirrored;
    });
  }

  #look(): Promise<OvsState> {
    return this.#parts.ovs.fresh().catch(failedTo("read OVS's rows"));
  }

  async #change(pod: Pod, due: readonly Due[], state: OvsState): Promise<void> {
    const { vsctl, mirror, interfaces } = this.#parts;
    const changes = due.flatMap((one) => {
      const found = controlOfRow(state, one.uuid);
      // Gone meanwhile.
      if (found === undefined || !interfaces.rows.has(one.uuid)) return [];
      const wanted = toTrafficControl(one.asked, found, mirror.all);
      const commands = changeCommands(found, wanted, limitMarks(one.port));
      const isComplete = found.mirrorRow !== undefined || found.isMirrored === wanted.isMirrored;
      const resets = resetCommands(found, wanted);
      return [{ ...one, wanted, resets, commands, isComplete }];
    });
    const resets = changes.flatMap((change) => change.resets);
    const commands = changes.flatMap((change) => change.commands);
    const failed = failedTo("change OVS's rows");
    if (resets.length > 0) await vsctl(resets, { waits: true }).catch(failed);
    if (commands.length > 0) await vsctl(commands).catch(failed);
    for (const change of changes) {
      if (change.commands.length > 0) this.#report(pod, change.port, change.wanted);
      if (change.isComplete) this.#known.set(change.uuid, change.signature);
    }
    this.#forget();
  }

  /** Of ports that are gone nothing is remembered. */
  #forget(): void {
    const { rows } = this.#parts.interfaces;
    if (this.#known.size <= rows.size) return;
    for (const uuid of this.#known.keys()) if (!rows.has(uuid)) this.#known.delete(uuid);
  }

  #report(pod: Pod, port: FollowedPort, wanted: TrafficControl): void {
    const { events, log } = this.#parts;
    const message = `${describe(port)} now has ${controlText(wanted)}`;
    log.info({ pod: podKey(pod.namespace, pod.name), port: port.name }, message);
    events.record(podReference(pod), { type: 'Normal', reason: UPDATED, message });
  }

  #warn(pod: Pod, port: FollowedPort, asked: AskedLimits): void {
    for (const warning of limitWarnings(asked)) {
      const message = `${describe(port)}: ${warning}`;
      this.#parts.log.warn({ pod: podKey(pod.namespace, pod.name), port: port.name }, message);
      this.#parts.events.record(podReference(pod), { type: 'Warning', reason: FAILED, message });
    }
  }
}

/** @param uuid of the Interface row */
function controlOfRow(state: OvsState, uuid: string): FoundControl | undefined {
  const row = state.interfaces.get(uuid);
  return row && controlOf(state, row);
}

/** "net1 (attachnet.default.ovn)". */
function describe({ ifName, provider }: FollowedPort): string {
  return ifName === '' ? provider : `${ifName} (${provider})`;
}

/** Two that are the same ask for the same, and are as wrong. */
function signatureOf(asked: AskedLimits): string {
  const { ingress, egress, netem, isMirrored } = asked;
  const values = [ingress.value, egress.value, netem.value, isMirrored];
  return JSON.stringify([...values, limitWarnings(asked)]);
}

function hasSameAnnotations({ annotations: one }: Pod, { annotations: other }: Pod): boolean {
  const keys = Object.keys({ ...one, ...other });
  return keys.every((key) => one[key] === other[key]);
}
