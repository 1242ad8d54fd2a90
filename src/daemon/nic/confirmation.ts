/**
 * An allocation that annotations say counts only when the cluster's IP object of that NIC says the
 * same; `model/ip-claim.ts` has the rule. An ADD waits for that as for any annotation.
 *
 * The object is looked up among those that the daemon follows, those of this node. Where it is not
 * there or says otherwise, it is read from the API server (records.ts, which keeps it for outages):
 * Kube-OVN's charts let the daemon read one IP object, but not follow them, and then no event tells of
 * one that comes late. So a read is repeated
 * when the pod's annotations or the followed object change, and after pauses that grow: of all the
 * waits of an ADD the only one that has to ask again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../../common/concurrency/backoff.ts';
import { abortable, type Deadline } from '../../common/concurrency/deadline.ts';
import { isNotFound, KubernetesError } from '../../common/kubernetes/api.ts';
import { KINDS, objectPath } from '../../common/kubernetes/path.ts';
import type { WatchCache } from '../../common/kubernetes/watch-cache.ts';
import { logicalSwitchPort } from '../../common/names.ts';
import { messageOf } from '../../common/text.ts';
import { type Wait, waiting } from '../call/waiting.ts';
import type { LiveAttachment } from '../model/attachment.ts';
import type { Ip } from '../model/ip.ts';
import { disagreement, type IpClaim } from '../model/ip-claim.ts';
import { type Pod, podKey } from '../model/pod.ts';
import { isLauncherOf, virtualMachineDisagreement } from '../model/virtual-machine.ts';
import { type Allocation, type AllocationParts, awaitAllocation } from './allocation.ts';
import { machinePath, type NicRecords } from './records.ts';
import { untilCorrected, WrongAnnotation } from './wrong-annotation.ts';

/** What the wait for a confirmed allocation uses. */
export interface ConfirmationParts extends AllocationParts {
  /** IP objects of this node, by name; none where the daemon's role does not let it follow them. */
  readonly ips: Pick<WatchCache<Ip>, 'get' | 'until'>;
  readonly records: Pick<NicRecords, 'ips' | 'machines'>;
}

/** What the cluster has recorded of a NIC. */
export interface Confirmed {
  /** Undefined for a NIC without addresses, of which nothing need be recorded. */
  readonly ip: Ip | undefined;
}

/** The cluster's record of a NIC does not say what the annotations say, or not yet. */
class Unconfirmed extends Error {
  readonly wait: Wait;

  constructor(wait: Wait, options?: ErrorOptions) {
    super(`waits for ${wait.what}`, options);
    this.name = 'Unconfirmed';
    this.wait = wait;
  }
}

/** How long the making of a NIC waits for its confirmation in its place; ms. */
const SOON_MS = 500;
/** Before a read is repeated that found something else; ms. */
const PAUSES = { firstMs: 200, maxMs: 5000 };
/** However often a pod's author changes its annotations, reads come no closer; ms. */
const PAUSE_MS_MIN = 50;

/**
 * Waits for an allocation that the cluster confirms, and uses it.
 *
 * @param use is called with what the annotations say while the cluster is still being asked: it must
 *   give nothing to the pod before `confirmation` resolves, and undo what it made where that rejects.
 *   Where it rejects, `use` is called again, with a confirmation that has resolved.
 * @throws CniError as `awaitAllocation`; 11 that says what the IP object says instead when the
 *   deadline passes
 */
export async function withConfirmed<T>(
  attachment: LiveAttachment,
  parts: ConfirmationParts,
  deadline: Deadline,
  use: (allocation: Allocation, confirmation: Promise<Confirmed>) => Promise<T>,
): Promise<T> {
  const attempt = () => withFollowed(attachment, parts, deadline, use);
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof WrongAnnotation)) throw error;
    await untilCorrected(error, attachment, parts, deadline);
  }
  // Once: an author who exchanges one wrong annotation for another is refused.
  return await attempt();
}

/** As `withConfirmed`, by the annotations of the pod that this daemon follows. */
async function withFollowed<T>(
  attachment: LiveAttachment,
  parts: ConfirmationParts,
  deadline: Deadline,
  use: (allocation: Allocation, confirmation: Promise<Confirmed>) => Promise<T>,
): Promise<T> {
  const pauses = new Backoff(PAUSES);
  let found: { readonly pod: Pod; readonly wait: Wait } | undefined;
  for (let isFirst = true; ; isFirst = false) {
    const allocation = await awaitAllocation(attachment, parts, deadline);
    const { pod } = allocation;
    const claim = new Claim(attachment, allocation, parts, {
      found: found?.pod === pod ? found.wait : undefined,
    });
    try {
      const confirmed = claim.confirm(deadline.signal);
      const confirmation = isFirst ? claim.soon(confirmed) : confirmed;
      // They may be rejected before `use` waits, or where that has failed already.
      for (const each of [confirmed, confirmation]) each.catch(() => {});
      if (!isFirst) await confirmed;
      return await use(allocation, confirmation);
    } catch (error) {
      if (!(error instanceof Unconfirmed)) throw error;
      found = { pod, wait: error.wait };
      await waiting(error.wait, claim.mayHaveChanged(pauses, deadline.signal));
    }
  }
}

/** What a pod's annotations say of one NIC, to be compared with what the cluster says. */
class Claim {
  readonly #allocation: Allocation;
  readonly #interfaceMacs: readonly string[] | undefined;
  readonly #parts: ConfirmationParts;
  readonly #podKey: string;
  readonly #ipName: string;
  /** Of the IP object, as it was followed when the claim was read. */
  readonly #followed: Ip | undefined;
  readonly #wait: Wait;
  /** What a deadline that passes during a read says: what the read before it found, if anything. */
  readonly #waitOfRead: Wait;

  constructor(
    attachment: LiveAttachment,
    allocation: Allocation,
    parts: ConfirmationParts,
    { found }: { readonly found: Wait | undefined },
  ) {
    const { namespace, name } = attachment.pod;
    this.#allocation = allocation;
    this.#interfaceMacs = attachment.interfaceMacs;
    this.#parts = parts;
    this.#podKey = podKey(namespace, name);
    this.#ipName = portName(attachment, allocation);
    this.#followed = parts.ips.get(this.#ipName);
    this.#wait = waitFor(attachment, allocation, this.#ipName);
    this.#waitOfRead = found ?? this.#wait;
  }

  /** @throws Unconfirmed; CniError 11 when the ADD's deadline passes before there is an answer */
  async confirm(signal: AbortSignal): Promise<Confirmed> {
    const { pod, nic } = this.#allocation;
    const { machines } = this.#parts.records;
    const owner = isLauncherOf(pod, nic.workload) ? pod.virtualMachine : undefined;
    const answers = Promise.all([
      this.#isFollowed() ? this.#followed : this.#readIp(signal),
      owner &&
        virtualMachineDisagreement(pod.namespace, owner, () =>
          machines.read(pod, machinePath(pod.namespace, owner.name), signal),
        ),
    ]).catch((error) => {
      signal.throwIfAborted();
      throw this.#unreadable(error);
    });
    const [ip, ofMachine] = await waiting(this.#waitOfRead, answers);
    if (ofMachine !== undefined) throw this.#unconfirmed(ofMachine);
    // The controller makes none where there is nothing to record.
    if (ip === undefined && nic.addresses.length === 0) return { ip };
    const otherwise = ip === undefined ? 'does not exist' : disagreement(ip, this.#claimed());
    if (otherwise !== undefined) throw this.#unconfirmed(`IP object ${this.#ipName} ${otherwise}`);
    return { ip };
  }

  /**
   * The same confirmation, where it comes soon: whoever makes a NIC meanwhile has one of the few places
   * to do so, which an API server that does not answer must not use up.
   * @throws Unconfirmed where it does not come soon
   */
  async soon(confirmation: Promise<Confirmed>): Promise<Confirmed> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Unconfirmed(this.#wait)), SOON_MS);
    return await Promise.race([confirmation, late.promise]).finally(() => clearTimeout(timer));
  }

  /** Resolves when something has changed since the claim was read, or after a pause. */
  async mayHaveChanged(pauses: Backoff, signal: AbortSignal): Promise<void> {
    const { pods, ips } = this.#parts;
    const settled = new AbortController();
    const until = AbortSignal.any([signal, settled.signal]);
    const { pod } = this.#allocation;
    const changes = [
      pods.until(() => pods.get(this.#podKey) !== pod || undefined, until),
      ips.until(() => ips.get(this.#ipName) !== this.#followed || undefined, until),
      pauses.pause(until),
    ];
    try {
      const change = Promise.race(changes);
      await abortable(Promise.all([change, sleep(PAUSE_MS_MIN)]), signal);
    } finally {
      settled.abort();
      await Promise.allSettled(changes);
    }
  }

  #isFollowed(): boolean {
    return (
      this.#followed !== undefined && disagreement(this.#followed, this.#claimed()) === undefined
    );
  }

  #claimed(): IpClaim {
    return { ...this.#allocation, interfaceMacs: this.#interfaceMacs };
  }

  async #readIp(signal: AbortSignal): Promise<Ip | undefined> {
    const path = objectPath(KINDS.ips, this.#ipName);
    return await this.#parts.records.ips.read(this.#allocation.pod, path, signal).catch((error) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  }

  #unconfirmed(otherwise: string): Unconfirmed {
    return new Unconfirmed({ ...this.#wait, what: `${this.#wait.what}: ${otherwise}` });
  }

  #unreadable(error: unknown): Unconfirmed {
    const isForbidden = error instanceof KubernetesError && error.status === 403;
    const lookAt = isForbidden
      ? "the role of this daemon: it needs the verb get for ips.kubeovn.io, as it has in Kube-OVN's charts"
      : 'whether this node reaches the API server';
    const what = `${this.#wait.what}: ${messageOf(error)}`;
    return new Unconfirmed({ ...this.#wait, what, lookAt }, { cause: error });
  }
}

function waitFor({ pod, provider }: LiveAttachment, { nic }: Allocation, ipName: string): Wait {
  const texts = nic.addresses.map(({ address }) => address.text);
  const claimed = texts.length === 0 ? (nic.mac ?? 'no address') : texts.join(',');
  return {
    what: `IP object ${ipName} to confirm ${claimed}, as the annotations of pod ${pod.namespace}/${pod.name} have it for network ${provider}`,
    lookAt:
      'the log of kube-ovn-controller, which writes IP objects before annotations; annotations that were copied from another pod (kubectl debug --copy-to, a restored manifest) give no address: create the pod without them',
    stage: 'confirm-address',
  };
}

/** Name of a NIC's logical switch port, and of its IP object. */
export function portName({ pod, provider }: LiveAttachment, { nic }: Allocation): string {
  return logicalSwitchPort({
    workload: nic.workload,
    namespace: pod.namespace,
    provider,
    ifName: nic.sharedNetworkIfName,
  });
}
