/**
 * What of a pod's NICs the pod was given before: by what objects show that the pod's author cannot
 * write, and not by its annotations. Those may be a copy of another pod's, forged while no controller
 * looked, or edited while the pod runs.
 *
 * - A NIC that the pod says it was given, and that neither the allocator nor an IP object knows, is not
 *   its own: the annotations are corrected. One that runs keeps it where it could be allocated dynamically.
 * - A NIC that an IP object shows to be in use by the pod keeps what it has, whatever is asked for since.
 * - What a pod that is on no node yet asks for anew, it gets.
 */

import { below } from '../../../common/kubernetes/path.ts';
import { NotDone } from '../../../common/reconcile/not-done.ts';
import { ownerOf } from '../../cluster/ip-index.ts';
import { AllocationError } from '../../ipam/allocator/error.ts';
import { aboutPod } from '../../model/about.ts';
import { annotationKey } from '../../model/annotation-key.ts';
import { failureEvent } from '../../model/events.ts';
import { providerOf } from '../../model/nic-name.ts';
import type { NicRequest } from '../../networks/request.ts';
import type { Uses } from '../context.ts';
import { hasAll, isNew, projectIp } from '../ip/object/ip.ts';
import { waitsOfNics } from '../wake-names.ts';
import { isHeld, isInUse } from './nic-use.ts';
import { addressesText } from './object/allocated-nic.ts';
import { ownerOfPod, type Pod } from './object/pod.ts';
import { unallocatedKeys } from './object/pod-annotations.ts';
import { publishAnnotations } from './publish-annotations.ts';

type Removed = Readonly<Record<string, string | null>>;

/** What the check of published NICs uses. */
export type NicsContext = Uses<'addresses' | 'events' | 'settings' | 'writes', 'ips' | 'pods'>;

/**
 * Compares what a pod says it was given with what the allocator and IP objects say, and corrects the
 * annotations where they differ.
 */
export class PublishedNics {
  readonly #context: NicsContext;

  constructor(context: NicsContext) {
    this.#context = context;
  }

  /**
   * @returns the NICs, each with whether the pod was given it
   * @throws NotDone where something is published to the pod first, and where it runs with what is not its own
   */
  async settled(pod: Pod, nics: readonly NicRequest[]): Promise<readonly NicRequest[]> {
    const isShown = await Promise.all(
      nics.map(
        (nic) =>
          !nic.isPublished || isHeld(pod, nic.port, this.#context) || this.#isConfirmed(pod, nic),
      ),
    );
    const forged = nics.filter((_, index) => !isShown[index]);
    if (forged.length > 0) await this.#refuse(pod, forged);
    const others = nics.filter((nic) => nic.isPublished && this.#asksForOthers(nic));
    if (others.length > 0) await this.#makeWay(pod, others);
    return nics.map((nic) => ({
      ...nic,
      isPublished: nic.isPublished || isInUse(pod, nic.port, this.#context),
    }));
  }

  /** The pod, with the Subnets that its NICs in use are on, whatever it says of them now. */
  onItsSubnets(pod: Pod): Pod {
    const { addresses, settings } = this.#context;
    const owner = ownerOfPod(pod, settings);
    const corrected = addresses.allocator.allocationsOf(owner).flatMap(({ nic, subnet }) => {
      const key = annotationKey(providerOf(nic, owner) ?? '', 'logical_switch');
      const isOther = Boolean(pod.annotations[key]) && pod.annotations[key] !== subnet;
      return isOther && isInUse(pod, nic, this.#context) ? [[key, subnet] as const] : [];
    });
    if (corrected.length === 0) return pod;
    return { ...pod, annotations: { ...pod.annotations, ...Object.fromEntries(corrected) } };
  }

  /** Withdraws what a pod says was published to it, as long as it does not run. */
  async takeBack(pod: Pod, nics: readonly NicRequest[]): Promise<void> {
    if (pod.end.phase === 'Running') return;
    const keys = nics.filter(({ isPublished }) => isPublished).flatMap((nic) => this.#keysOf(nic));
    if (keys.length > 0)
      await publishAnnotations(this.#context, pod, { removed: Object.fromEntries(keys) });
  }

  /** The IP object may be on its way here, as the last that another leader has written. */
  async #isConfirmed(pod: Pod, nic: NicRequest): Promise<boolean> {
    const { addresses, cluster, settings, writes } = this.#context;
    const raw = await writes.read(below(cluster.ips.path, nic.port));
    if (raw !== undefined) {
      const ip = projectIp(raw);
      const isPods = ownerOf(ip, settings) === ownerOfPod(pod, settings);
      if (isPods && !ip.meta.deleting && !isNew(ip)) addresses.adoptIp(ip);
    }
    return isHeld(pod, nic.port, this.#context);
  }

  /** @throws NotDone unless every one of a running pod's can be adopted */
  async #refuse(pod: Pod, nics: readonly NicRequest[]): Promise<void> {
    const { addresses, events } = this.#context;
    const whys: string[] = [];
    const problems = addresses.adoptRunning(pod, new Set(nics.map(({ port }) => port)));
    for (const nic of nics) {
      const problem = problems.get(nic.port);
      if (isHeld(pod, nic.port, this.#context)) continue;
      whys.push(
        `${claimText(nic)}, and no IP object says so${problem ? `: ${problem.message}` : ''}`,
      );
    }
    if (whys.length === 0) return;
    const advice =
      pod.end.phase === 'Running'
        ? 'the pod runs with what is not its own: delete it'
        : 'the annotations are taken back';
    const why = `${whys.join('; ')}: ${advice}`;
    const event = failureEvent('AcquireAddressFailed', 'acquireAddress', why);
    events.warnOnce(aboutPod(pod), event);
    await this.takeBack(pod, nics);
    // A pod whose annotations are patched is looked at again when the patch arrives by watch.
    const isRunning = pod.end.phase === 'Running';
    throw new NotDone(why, isRunning ? { waitsFor: waitsOfNics(nics) } : {});
  }

  #keysOf(nic: NicRequest): readonly (readonly [string, null])[] {
    const keys: Removed = { ...unallocatedKeys(nic.provider), ...this.#excludedKeys(nic) };
    return Object.keys(keys).map((key) => [key, null] as const);
  }

  /** What was forged is no request: those that are not allocated dynamically are for who asks for them, and no others. */
  #excludedKeys({ attempts, asked, provider }: NicRequest): Removed {
    const { allocator } = this.#context.addresses;
    const [{ subnet }] = attempts;
    const isExcluded = asked?.addresses.some(
      (address) => allocator.dynamicProblem(subnet.name, address) instanceof AllocationError,
    );
    return isExcluded ? { [annotationKey(provider, 'ip_address')]: null } : {};
  }

  /** True where addresses or a MAC are asked for by name that the NIC does not have. */
  #asksForOthers({ port, asked }: NicRequest): boolean {
    const held = this.#context.addresses.allocator.allocationOf(port);
    if (held === undefined || asked === undefined) return false;
    const isOtherMac = asked.mac !== undefined && held.mac !== undefined && asked.mac !== held.mac;
    return !hasAll(held.addresses, asked.addresses) || isOtherMac;
  }

  /**
   * A pod without a node has no sandbox, and none comes to be with what is taken back now: the patch is
   * refused where the pod has got a node meanwhile. Another pod keeps what its sandbox may have.
   */
  async #makeWay(pod: Pod, nics: readonly NicRequest[]): Promise<void> {
    if (pod.nodeName === '') {
      const keys = nics.flatMap(({ provider }) => Object.keys(unallocatedKeys(provider)));
      const removed = Object.fromEntries(keys.map((key) => [key, null]));
      await publishAnnotations(this.#context, pod, { removed, isGuarded: true });
      throw new NotDone('the pod asks for other addresses than those that are published', {
        isTransient: true,
      });
    }
    for (const nic of nics) {
      const held = this.#context.addresses.allocator.allocationOf(nic.port);
      const has = [addressesText(held?.addresses ?? []), held?.mac].filter(Boolean).join(' ');
      const asked = [addressesText(nic.asked?.addresses ?? []), nic.asked?.mac];
      const until = nic.kind === 'ovn' ? 'until the network is taken out of the pod, or' : 'until';
      const what = `provider=${nic.provider}: ${nic.asked?.where} asks for ${asked.filter(Boolean).join(' ')}; the NIC keeps ${has} ${until} the pod ends, since its sandbox may use it: delete the pod and create it again`;
      const event = failureEvent('PodNetworkUpdateFailed', 'syncKubeOvnNet', what);
      this.#context.events.infoOnce(aboutPod(pod), event);
    }
  }
}

function claimText({ provider, asked }: NicRequest): string {
  const key = annotationKey(provider, 'allocated');
  const what = addressesText(asked?.addresses ?? []);
  return `annotation ${key} says that the pod was given ${what || 'addresses'}`;
}
